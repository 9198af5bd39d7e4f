import Base
import CLinux
import TestSupport
import Testing

@testable import ImageWork
@testable import Images

@Suite("The import folder")
struct ImportFolderTests {
    private let directory: TemporaryDirectory
    private let path: String
    private let ledger: String

    init() throws {
        directory = try TemporaryDirectory()
        path = directory.path + "/import"
        ledger = directory.path + "/imported.json"
    }

    private func open(_ loop: EventLoop? = nil) throws -> ImportFolder {
        try ImportFolder(path: path, ledger: ledger, loop: loop)
    }

    @Test("a file is given once, and not again after a restart")
    func once() throws {
        try directory.write("import/a.tar", "1")
        let folder = try open()
        try folder.start {}
        let candidate = try #require(folder.next())
        #expect(candidate.path == path + "/a.tar")
        try folder.rescan()
        #expect(folder.next() == nil, "it is being loaded")
        try folder.finish(candidate, .success(["sha256:1"]))
        try folder.rescan()
        #expect(folder.next() == nil)
        let restarted = try open()
        try restarted.start {}
        #expect(restarted.next() == nil)
        // Another file of the same name is another file.
        try directory.write("import/a.tar", "22")
        try restarted.rescan()
        #expect(restarted.next()?.name == "a.tar")
    }

    @Test("what failed is shown, and tried again when it changes or the reason may have passed")
    func failures() throws {
        try directory.write("import/a.tar", "1")
        let folder = try open()
        try folder.start {}
        let truncated = ImageError(.truncated, "cut short")
        try folder.finish(try #require(folder.next()), .failure(truncated))
        #expect(folder.failures == [ImportFolder.Failure(path: path + "/a.tar", error: truncated)])
        try folder.rescan()
        folder.retryTransient()
        #expect(folder.next() == nil)
        try directory.write("import/a.tar", "longer")
        try folder.rescan()
        let second = try #require(folder.next())
        try folder.finish(second, .failure(ImageError(.storage, "disk full", errno: ENOSPC)))
        folder.retryTransient()
        try folder.finish(try #require(folder.next()), .success([]))
        #expect(folder.failures.isEmpty)
    }

    @Test("a file that changed while it was loaded is loaded again")
    func changedMeanwhile() throws {
        try directory.write("import/a.tar", "1")
        let folder = try open()
        try folder.start {}
        let candidate = try #require(folder.next())
        try directory.write("import/a.tar", "1 and more")
        try folder.finish(candidate, .failure(ImageError(.truncated, "cut short")))
        #expect(folder.failures.isEmpty)
        #expect(folder.next()?.identity.size == 10)
    }

    @Test("leftovers of downloads and editors, folders and links are left alone")
    func ignored() throws {
        for name in [".a.tar", "a.tar~", "a.tar.part", "a.tar.tmp", "a.swp"] {
            try directory.write("import/" + name, "1")
        }
        try Files.makeDirectories(path + "/folder.tar")
        try #require(symlink("/etc/passwd", path + "/link.tar") == 0)
        let folder = try open()
        try folder.start {}
        #expect(folder.next() == nil)
    }

    @Test("a file moved in or written to its end is noticed at once, a growing one is not")
    func events() throws {
        let loop = try EventLoop()
        let folder = try open(loop)
        var changes = 0
        try folder.start { changes += 1 }
        func turn() throws { for _ in 0..<3 { try loop.turn(wait: false) } }

        let growing = try FileDescriptor.open(path + "/growing.tar", O_WRONLY | O_CREAT, mode: 0o600)
        try growing.writeAll([1, 2, 3])
        try turn()
        #expect(changes == 0 && folder.next() == nil)
        try growing.writeAll([4])
        _ = consume growing
        try turn()
        #expect(changes > 0)
        let first = try #require(folder.next())
        #expect(first.identity.size == 4)
        try folder.finish(first, .success([]))

        try directory.write("outside", "1")
        try #require(rename(directory.path + "/outside", path + "/moved.tar") == 0)
        try turn()
        let second = try #require(folder.next())
        try folder.finish(second, .failure(ImageError(.corrupt, "no")))
        #expect(folder.failures.count == 1)
        _ = try Files.remove(path + "/moved.tar")
        try turn()
        #expect(folder.failures.isEmpty)
        folder.stop()
    }

    @Test("a ledger that cannot be read is an error that says what to do")
    func brokenLedger() throws {
        try directory.write("imported.json", "{")
        let error = try #require(throws: ImageError.self) { try open() }
        #expect(error.message.contains("imported.json"))
    }
}

@Suite("The image worker")
struct ImageWorkerTests {
    @Test("messages come back as they were sent")
    func messages() throws {
        let messages: [ImageWorkerMessage] = [
            .progress(ImportProgress(layersDone: 1, layers: 3, expandedBytes: 1 << 40)),
            .loaded([.init(id: "sha256:a", names: ["x", "y"]), .init(id: "sha256:b", names: [])]),
            .removed(ImageStore.Removal(untagged: ["x"], deleted: ["sha256:a"])), .swept,
            .failed(ImageError(.storage, "no \"space\"\n", errno: ENOSPC)),
            .pulling(PullProgress(.downloading, layers: [.init(digest: "sha256:a", done: 1, total: 1 << 40)])),
            .pulling(
                PullProgress(.unpacking, unpacking: ImportProgress(layersDone: 1, layers: 2, expandedBytes: 3))),
            .pulled(.init(id: "sha256:a", names: [])),
        ]
        for message in messages {
            #expect(try ImageWorkerMessage(line: JSONLine.bytes(message)) == message)
        }
        for reason in ImageError.Reason.allCases {
            let message = ImageWorkerMessage.failed(ImageError(reason, "m"))
            #expect(try ImageWorkerMessage(line: JSONLine.bytes(message)) == message)
        }
        for kind in PullError.Kind.allCases {
            let message = ImageWorkerMessage.notPulled(PullError(kind, "m"))
            #expect(try ImageWorkerMessage(line: JSONLine.bytes(message)) == message)
        }
        #expect(throws: (any Error).self) { try ImageWorkerMessage(line: Array("{}".utf8)) }
    }

    @Test("arguments are checked")
    func arguments() throws {
        let command = try ImageWorkerCommand([
            "rm", "--store", "/s", "--in-use", "/l/1", "--in-use", "/l/2", "busybox",
        ])
        #expect(command.verb == .rm && command.store == "/s" && command.operand == "busybox")
        #expect(command.inUse == ["/l/1", "/l/2"])
        #expect(
            try ImageWorkerCommand(["verify", "--store", "/s", "--", "--store", "/t"]).operands == ["--store", "/t"])
        for wrong in [
            [], ["load"], ["load", "--store", "/s"], ["load", "--store", "s", "f"], ["frob", "--store", "/s"],
            ["sweep", "--store", "/s", "x"], ["load", "--store"], ["pull", "--store", "/s", "x"],
            ["rm", "--store", "/s", "--frob", "x"], ["verify", "--store", "/s", "--force"],
            ["save", "--store", "/s", "x"],
            ["save", "--store", "/s", "--format", "zip", "--output", "3", "x"],
            ["save", "--store", "/s", "--format", "oci", "--output", "1", "x"],
            ["pull", "--store", "/s", "--registries", "r", "x"], ["pull", "--store", "/s", "--registries", "/r"],
        ] {
            #expect(throws: ImageError.self) { _ = try ImageWorkerCommand(wrong) }
        }
    }

    @Test("a process of its own loads, and tells errors in one line", .enabled(if: isRoot, "needs root"))
    func process() async throws {
        let fixture = try StoreFixture()
        let archive = try fixture.folder.write(
            "x.tar", ArchiveBuilder.oci([TestImage("x:1", [TestLayer { $0.file("a", "1") }])]))
        let root = fixture.store.root
        let good = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            [root = root as String, archive = archive as String] in
            exit(ImageWorker.run(["load", "--store", root, archive]))
        }
        let lines = (good?.standardOutputContent ?? []).split(separator: 0x0A)
        let last = try ImageWorkerMessage(line: try #require(lines.last { $0.starts(with: Array("{\"loaded".utf8)) }))
        let image = try #require(try fixture.store.resolve("x:1"), "the agent's store sees what the worker loaded")
        #expect(last == .loaded([.init(id: image.id, names: image.names)]))

        let bad = await #expect(processExitsWith: .exitCode(1), observing: [\.standardOutputContent]) {
            [root = root as String] in
            exit(ImageWorker.run(["load", "--store", root, "/dev/null"]))
        }
        let words = (bad?.standardOutputContent ?? []).split(separator: 0x0A)
        guard
            case .failed(let error) = try ImageWorkerMessage(
                line: try #require(words.last { $0.starts(with: Array("{\"error".utf8)) }))
        else {
            Issue.record("no error")
            return
        }
        #expect(error.reason == .notAnArchive)
    }
}
