import Base
import CLinux
import Digest
import TestSupport

@testable import Images

/// Unpacking sets owners and makes whiteouts.
let isRoot = geteuid() == 0

/// A store in a folder of its own.
struct StoreFixture {
    let folder: TemporaryDirectory
    let store: ImageStore

    init() throws {
        folder = try TemporaryDirectory()
        store = try ImageStore(root: Path.join(folder.path, "images"))
    }

    /// Writes an archive and loads it.
    @discardableResult
    func load(_ bytes: [UInt8], name: String = "test.tar", limits: ImageLimits = ImageLimits()) throws -> [StoredImage]
    {
        let path = try folder.write(name, bytes)
        return try store.importArchive(path, limits: limits)
    }

    /// Loads an archive of one image and gives its layer folders, the topmost first.
    func layers(_ layers: [TestLayer]) throws -> [String] {
        let images = try load(ArchiveBuilder.oci([TestImage("example.com/test:1", layers)]))
        return images[0].layerPaths
    }

    /// Everything in the store: each path with what there is to know of it.
    func snapshot() throws -> [String] { try Self.snapshot(store.root, prefix: "") }

    static func snapshot(_ folder: String, prefix: String) throws -> [String] {
        var lines: [String] = []
        for name in try Files.list(folder) {
            let path = Path.join(folder, name)
            var status = stat()
            guard lstat(path, &status) == 0 else { throw SystemError("lstat", path) }
            var line = "\(prefix)\(name) \(String(status.st_mode, radix: 8)) \(status.st_uid):\(status.st_gid)"
            if swl_is_regular(status.st_mode) {
                line += " " + (try StreamHasher.hex(.sha256, Files.read(path, limit: 1 << 30)))
            }
            lines.append(line)
            if swl_is_dir(status.st_mode) { lines += try snapshot(path, prefix: "\(prefix)\(name)/") }
        }
        return lines
    }
}

/// What stands at a path, without following a link.
func status(_ path: String) -> stat? {
    var status = stat()
    return lstat(path, &status) == 0 ? status : nil
}

func attribute(_ path: String, _ name: String) -> [UInt8]? {
    var value = [UInt8](repeating: 0, count: 256)
    let count = lgetxattr(path, name, &value, value.count)
    return count < 0 ? nil : Array(value.prefix(count))
}

/// Runs a program and gives its exit code; its output goes to `output` when given.
@discardableResult
func runProgram(_ path: String, _ arguments: [String], input: String? = nil, output: String? = nil) throws -> Int32 {
    var spawn = Spawn(
        path, arguments, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TMPDIR=/tmp"])
    if let input { spawn.standardInput = SharedDescriptor(try FileDescriptor.open(input, O_RDONLY)) }
    if let output {
        spawn.standardOutput = SharedDescriptor(
            try FileDescriptor.open(output, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600))
    }
    let child = try spawn.start()
    return try child.wait(block: true)?.code ?? -1
}

/// `bytes` through a filter program.
func filter(_ program: String, _ arguments: [String], _ bytes: [UInt8]) throws -> [UInt8] {
    let folder = try TemporaryDirectory()
    let input = try folder.write("in", bytes)
    let output = Path.join(folder.path, "out")
    guard try runProgram(program, arguments, input: input, output: output) == 0 else {
        throw SystemError("run", program, .invalid)
    }
    return try Files.read(output, limit: 1 << 30)
}

func gzip(_ bytes: [UInt8]) throws -> [UInt8] { try filter("/usr/bin/gzip", ["-c"], bytes) }
