import Base
import CLinux
import JSON
import TestSupport

/// Kills the image worker at any of its calls, or lets that call fail, while it loads, pulls, removes or sweeps. The
/// store is then as before or as after: every image in its index has all its layers, whole; a sweep leaves nothing
/// else; and the same work, done again, gives what it gives undisturbed.
struct ImageSweep {
    /// What the worker does to a store.
    enum Work: String, CaseIterable {
        case load
        case pull
        case rm
        case sweep
    }

    /// What is in a store.
    private struct Content: Equatable {
        /// Id, names and layers of each image.
        var images: [String]
        /// Everything in the layers that images have.
        var layers: [String]

        func difference(_ other: Content) -> String {
            let (own, others) = (Set(images + layers), Set(other.images + other.layers))
            return
                "\(own.subtracting(others).sorted().prefix(5)) instead of \(others.subtracting(own).sorted().prefix(5))"
        }
    }

    /// Calls that change what others see.
    static let calls =
        "mkdir,mkdirat,rmdir,rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,mknod,mknodat,openat,"
        + "openat2,write,pwrite64,writev,ftruncate,fallocate,copy_file_range,fsync,fdatasync,syncfs,sync_file_range,fchmod,"
        + "fchmodat,fchown,fchownat,lchown,utimensat,setxattr,fsetxattr,flock,clone,clone3"
    /// Calls that fail, and how.
    static let failures = [
        ("openat,openat2,mkdir,mkdirat", "ENOSPC"), ("write,pwrite64,ftruncate,fallocate,copy_file_range", "ENOSPC"),
        ("link,linkat,symlink,symlinkat,mknod,mknodat,setxattr,fsetxattr", "ENOSPC"),
        ("write,pwrite64,fsync,fdatasync,syncfs,sync_file_range", "EIO"), ("rename,renameat,renameat2", "EIO"),
        ("unlink,unlinkat,rmdir", "EIO"), ("fchmod,fchmodat,fchown,fchownat,lchown,utimensat", "EIO"),
        ("flock", "ENOLCK"), ("clone,clone3", "EAGAIN"), ("openat,openat2", "EMFILE"),
    ]

    /// Calls that go on failing from then on, as on a disk that stays full or is broken.
    static let lastingFailures = [
        ("write,pwrite64,mkdir,mkdirat,symlink,symlinkat", "ENOSPC"), ("fsync,fdatasync,syncfs,write,pwrite64", "EIO"),
        ("rename,renameat,renameat2,unlink,unlinkat,rmdir", "EIO"),
    ]

    let work: Work
    private let machine: Machine
    private let folder: String
    private let registry: RegistryProcess?
    private let before: Content
    private let after: Content

    /// Makes the store that the work begins with, and does the work once, undisturbed.
    init(_ machine: Machine, _ work: Work) throws {
        self.machine = machine
        self.work = work
        folder = try scratchFolder()
        registry = work == .pull ? try RegistryProcess(folder: TemporaryDirectory()) : nil
        try registry?.push("\(machine.images)/users.tar", as: "team/users:1")
        let store = "\(folder)/store"
        func prepare(_ arguments: String...) throws {
            let result = try Self.worker(machine, ["image-worker"] + arguments)
            try expect(result.status == 0, "image-worker \(arguments): \(result.output)")
        }
        // A layer of the other image is shared with this one.
        try prepare("load", "--store", store, "\(machine.images)/busybox.tar")
        if work == .rm { try prepare("load", "--store", store, "\(machine.images)/users.tar") }
        if work == .sweep {
            for path in ["ingest/left/0/folder", "trash/left/folder", "layers/sha256-left/folder"] {
                try Files.makeDirectories("\(store)/\(path)")
                try Files.replace("\(store)/\(path)/file", with: Array("left".utf8), durable: false)
            }
        }
        guard rename(store, "\(folder)/old") == 0 else { throw SystemError("rename", store) }
        before = try Self.content("\(folder)/old")
        try Self.renew(folder)
        let result = try Self.worker(machine, Self.arguments(work, machine, folder, registry))
        try expect(result.status == 0, "\(work): \(result.output)")
        after = try Self.content(store)
        try expect(before != after || work == .sweep, "\(work) changes nothing")
    }

    /// Removes what it made.
    func end() { try? Files.removeTree(folder) }

    private static func arguments(
        _ work: Work, _ machine: Machine, _ folder: String, _ registry: RegistryProcess?
    ) -> [String] {
        let operand: [String] =
            switch work {
            case .load: ["\(machine.images)/users.tar"]
            case .pull:
                [
                    "--registries", "/no/such/file", "--signatures", "/no/such/file",
                    registry?.name("team/users:1") ?? "",
                ]
            case .rm: ["example.org/tests/users:v1"]
            case .sweep: []
            }
        return ["image-worker", work.rawValue, "--store", "\(folder)/store"] + operand
    }

    private static func worker(_ machine: Machine, _ arguments: [String]) throws -> CommandResult {
        try run(
            "\(machine.programs)/swiftletd", arguments, input: Array(#"{"credentials":[]}"#.utf8),
            timeout: .seconds(30 * machine.scale))
    }

    /// The old store in the place of the one that was worked on.
    private static func renew(_ folder: String) throws {
        try Files.removeTree("\(folder)/store")
        let result = try run(
            "/bin/cp", ["-a", "\(folder)/old", "\(folder)/store"], timeout: .seconds(60))
        try expect(result.status == 0, "cp: \(result.errors)")
    }

    /// - Throws: `Failure` when an image lacks a layer.
    private static func content(_ store: String) throws -> Content {
        let index = try JSONParser.parse(try Files.read("\(store)/index.json", limit: 16 << 20))
        var images: [String] = []
        var layers: Set<String> = []
        for image in index["images"]?.arrayValue ?? [] {
            let own = (image["layers"]?.arrayValue ?? []).compactMap(\.stringValue)
            let names = (image["names"]?.arrayValue ?? []).compactMap(\.stringValue)
            images.append("\(image.string("id") ?? "?") \(names.sorted()) \(own)")
            layers.formUnion(own)
        }
        for layer in layers {
            try expect(
                Files.isDirectory("\(store)/layers/\(layer)"), "the index names a layer that is not there: \(layer)")
        }
        // Nobody sees the times of whiteouts.
        let script = """
            cd "$0/layers" && find "$@" -type c -printf '%p %y %m\\n' -o -printf '%p %y %m %U:%G %T@ %l\\n' && find "$@" -type f -exec cksum {} +
            """
        let list = try run("/bin/sh", ["-c", script, store] + layers.sorted(), timeout: .seconds(60))
        try expect(list.status == 0, "listing the layers: \(list.errors)")
        return Content(
            images: images.sorted(),
            layers: list.output.split(separator: "\n").map(String.init).sorted())
    }

    /// The calls of the worker.
    func moments() throws -> SweepMoments {
        try Self.renew(folder)
        let file = "\(folder)/strace.out"
        let result = try strace(["-o", file, "-e", "trace=\(Self.calls)"])
        try expect(result.status == 0, "\(work) under strace: \(result.output) \(result.errors)")
        return SweepMoments(try text(file))
    }

    private func strace(_ options: [String]) throws -> CommandResult {
        try run(
            "/usr/bin/strace",
            ["-f", "-b", "execve", "-qq"] + options + ["\(machine.programs)/swiftletd"]
                + Self.arguments(work, machine, folder, registry), input: Array(#"{"credentials":[]}"#.utf8),
            timeout: .seconds(60 * machine.scale))
    }

    /// Does the work with something happening at one of its calls.
    ///
    /// - Parameter lasting: the calls that fail from that moment on, instead of this one only.
    func disturb(_ injection: String, at moment: SweepMoment, lasting calls: String? = nil) throws {
        do {
            try Self.renew(folder)
            // Each name is counted by itself: the others of the calls fail from their own N-th on.
            let arguments = calls.map { SweepMoment(call: $0, number: moment.number).strace(injection) }
            let from = arguments.map { Array($0.dropLast()) + ["\($0.last ?? "")+"] }
            let result = try strace(["-o", "/dev/null"] + (from ?? moment.strace(injection)))
            let store = "\(folder)/store"
            let left = try Self.content(store)
            try expect(
                left == before || left == after,
                "the store is neither as before nor as after: \(left.difference(after))")
            if result.status == 0, !injection.hasPrefix("signal") {
                try expect(left == after, "the worker says that it is done, but the store is as before")
            } else if !injection.hasPrefix("signal") {
                // 127: the loader, which has not come as far as the worker.
                try expect(
                    result.status == 1 || result.status == 127,
                    "the worker ended with status \(result.status): \(result.output) \(result.errors)")
                // An index that cannot be written cannot be put back either.
                if work == .load || work == .pull, calls == nil {
                    try expect(left == before, "the worker says that it failed, but the store has changed")
                }
            }
            let sweep = try Self.worker(machine, ["image-worker", "sweep", "--store", store])
            try expect(sweep.status == 0, "the sweep afterwards: \(sweep.output)")
            try Self.expectSame(try Self.content(store), left, "the store after a sweep")
            try checkNothingElse(store)
            let again = try Self.worker(machine, Self.arguments(work, machine, folder, registry))
            // What was removed cannot be removed again.
            if work != .rm || left == before {
                try expect(again.status == 0, "the same again: \(again.output)")
            }
            try Self.expectSame(try Self.content(store), after, "the store after the same again")
            // The agent has the trash emptied behind a removal.
            if work == .rm { _ = try Self.worker(machine, ["image-worker", "tidy", "--store", store]) }
            try checkNothingElse(store)
        } catch {
            throw Failure(
                "\(work.rawValue), \(injection) \(calls == nil ? "at" : "of \(calls ?? "") from") \(moment): \(error)")
        }
    }

    private static func expectSame(_ found: Content, _ wanted: Content, _ what: String) throws {
        try expect(found == wanted, "\(what): \(found.difference(wanted))")
    }

    /// No leftover, and no layer that the index does not list.
    private func checkNothingElse(_ store: String) throws {
        let index = try JSONParser.parse(try Files.read("\(store)/index.json", limit: 16 << 20))
        let layers = (index["layers"]?.objectValue?.members ?? []).map(\.key).sorted()
        try expectEqual(try Files.list("\(store)/layers").sorted(), layers, "the layers beside those of the index")
        for name in ["ingest", "trash"] { try expectEqual(try Files.list("\(store)/\(name)"), [], "left in \(name)") }
        let unfinished = try Files.list(store).filter { $0.hasSuffix(".new") }
        try expectEqual(unfinished, [], "half-written files")
    }
}
