import Base
import CLinux
import JSON
import Kube
import TestSupport
import Testing

@testable import PodSources

/// A loader for tests: each line is a pod's name; `!` makes the file broken.
func load(_ bytes: [UInt8], _ path: String) throws(ManifestRefusal) -> ManifestContents {
    let text = String(decoding: bytes, as: UTF8.self)
    if text.contains("!") {
        throw ManifestRefusal([ManifestProblem(path: path, position: .init(line: 3, column: 7), message: "broken")])
    }
    let pods = text.split(separator: "\n").map { line in
        let name = String(line.prefix { $0 != " " })
        return ManifestPod(
            key: PodKey(namespace: "default", name: name), value: .string(String(line)),
            pod: Pod(metadata: ObjectMeta(name: name, namespace: "default"), spec: PodSpec()), ineffective: [])
    }
    return ManifestContents(pods: pods)
}

@Suite final class ManifestFolderTests {
    let scratch: TemporaryDirectory
    var folder: ManifestFolder
    let start = BootInstant(nanoseconds: 1_000_000_000)

    init() throws {
        scratch = try TemporaryDirectory()
        folder = ManifestFolder(path: scratch.path, load: load)
    }

    func later(_ ms: Int64) -> BootInstant { start + .milliseconds(ms) }

    func relist(_ now: BootInstant) -> Bool { folder.relist(now: now) }
    func update(_ name: String) -> Bool { folder.update(name: name, now: start) }
    func settle(_ now: BootInstant) -> Bool { folder.settle(now: now) }
    func names() -> [String] { folder.report().claims.flatMap { $0.contents.pods.map { $0.value.stringValue ?? "" } } }
    func problems() -> [String] { folder.report().problems.map(\.description) }

    @Test func aFolderThatCouldNotBeLookedAtIsLookedAtAgain() throws {
        let path = scratch.path + "/folder"
        folder = ManifestFolder(path: path, load: load)
        #expect(symlink(path, path) == 0)
        #expect(relist(start))
        #expect(problems().count == 1 && folder.nextSettle == later(2000))
        #expect(unlink(path) == 0)
        try Files.makeDirectories(path)
        try Files.replace(path + "/a.yaml", with: "a".utf8, mode: 0o644, durable: false)
        #expect(!settle(later(1000)))
        #expect(settle(later(2000)))
        #expect(names() == ["a"] && problems() == [] && folder.nextSettle == nil)
    }

    @Test func aFileThatCouldNotBeLookedAtIsLookedAtAgainThoughNothingIsHeardOfIt() throws {
        let path = scratch.path + "/a.yaml"
        // A link to itself is there and cannot be opened.
        #expect(symlink(path, path) == 0)
        #expect(update("a.yaml"))
        #expect(names() == [] && problems().count == 1)
        #expect(folder.nextSettle == later(2000))
        #expect(!settle(later(2000)), "it is as it was")
        #expect(folder.nextSettle == later(4000))
        try Files.replace(path, with: "a".utf8, mode: 0o644, durable: false)
        #expect(settle(later(4000)))
        #expect(names() == ["a"] && problems() == [])
        #expect(folder.nextSettle == nil)
        #expect(unlink(path) == 0)
        _ = update("a.yaml")
        #expect(settle(later(9000)))
        #expect(names() == [])
    }

    @Test func onlyManifestNamesCount() {
        for name in ["a.yaml", "a.yml", "a.json", "x.y.yaml"] { #expect(ManifestFolder.isManifestName(name)) }
        for name in [
            ".a.yaml", "a.yaml~", "a.yaml.bak", ".a.yaml.swp", "#a.yaml#", "#a.yaml", "a.txt", "a.yaml.new", "4913",
        ] {
            #expect(!ManifestFolder.isManifestName(name))
        }
    }

    @Test func aBrokenNewVersionLeavesTheLastGoodOneAndSaysWhere() throws {
        let file = try scratch.write("a.yaml", "web")
        #expect(relist(start))
        #expect(names() == ["web"])
        try scratch.write("a.yaml", "web !")
        #expect(update("a.yaml"))
        #expect(names() == ["web"])
        #expect(problems() == ["\(file):3:7: broken"])
        try scratch.write("a.yaml", "web 2")
        #expect(update("a.yaml"))
        #expect(names() == ["web 2"] && problems().isEmpty)
    }

    @Test func theLastGoodVersionOutlivesTheAgent() throws {
        try scratch.write("a.yaml", "web !")
        let good = try load(Array("web".utf8), "a").pods
        folder = ManifestFolder(path: scratch.path, lastGood: [scratch.path + "/a.yaml": good], load: load)
        _ = relist(start)
        #expect(names() == ["web"] && problems().count == 1)
    }

    @Test func aRemovalIsBelievedOnlyWhenItLasts() throws {
        let file = try scratch.write("a.yaml", "web")
        _ = relist(start)
        try Files.remove(file)
        _ = update("a.yaml")
        #expect(names() == ["web"])
        #expect(!settle(later(400)))
        // An editor puts the new version in place of what it moved away.
        try scratch.write("a.yaml", "web 2")
        _ = folder.update(name: "a.yaml", now: later(450))
        #expect(!settle(later(2000)))
        #expect(names() == ["web 2"])
        try Files.remove(file)
        _ = folder.update(name: "a.yaml", now: later(3000))
        #expect(folder.nextSettle == later(3500))
        #expect(settle(later(3500)))
        #expect(names() == [] && folder.nextSettle == nil)
    }

    @Test func aFolderThatCannotBeReadStopsNothing() throws {
        try scratch.write("pods/a.yaml", "web")
        folder = ManifestFolder(path: scratch.path + "/pods", load: load)
        _ = relist(start)
        #expect(names() == ["web"])
        rename(scratch.path + "/pods", scratch.path + "/gone")
        #expect(relist(later(10)))
        #expect(!settle(later(10_000)))
        #expect(names() == ["web"] && problems().count == 1)
        rename(scratch.path + "/gone", scratch.path + "/pods")
        #expect(relist(later(20)))
        #expect(names() == ["web"] && problems().isEmpty)
    }

    @Test(arguments: [mode_t(0o666), 0o664, 0o646])
    func aFileThatOthersMayWriteIsRefused(mode: mode_t) throws {
        let file = try scratch.write("a.yaml", "web")
        chmod(file, mode)
        _ = relist(start)
        #expect(names() == [])
        #expect(problems()[0].contains("chmod go-w"))
        chmod(file, 0o600)
        _ = update("a.yaml")
        #expect(names() == ["web"])
    }

    @Test(.timeLimit(.minutes(1)))
    func whatIsNoRegularFileIsRefusedAndNeverWaitedFor() throws {
        mkfifo(scratch.path + "/a.yaml", 0o600)
        mkdir(scratch.path + "/b.yaml", 0o700)
        _ = relist(start)
        #expect(names() == [] && problems().count == 2)
        #expect(problems().allSatisfy { $0.contains("not a regular file") })
    }

    @Test func anUnchangedFileIsNotReadAgain() throws {
        try scratch.write("a.yaml", "web")
        #expect(relist(start))
        #expect(!relist(start))
        #expect(!update("a.yaml"))
    }
}

@Suite struct FolderWatcherTests {
    @Test(.timeLimit(.minutes(1)))
    func aRenamedManifestIsHeardOfAtOnce() throws {
        let scratch = try TemporaryDirectory()
        let loop = try EventLoop()
        var seen: [[String]] = []
        let watcher = try FolderWatcher(ManifestFolder(path: scratch.path, load: load), on: loop)
        watcher.onReport = { report in
            seen.append(report.claims.flatMap { $0.contents.pods.map { $0.value.stringValue ?? "" } })
            if seen.count == 2 { loop.stop() }
        }
        try watcher.start()
        #expect(seen == [[]])
        try scratch.write("a.yaml", "web")
        try loop.run()
        #expect(seen == [[], ["web"]])
    }
}
