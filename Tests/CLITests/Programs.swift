import Base
import CLinux
import TestSupport

/// What a program printed on standard output; its errors are of no interest.
func outputOf(_ program: String, _ arguments: [String]) throws -> String {
    let folder = try TemporaryDirectory()
    let path = folder.path + "/out"
    var spawn = Spawn(program, arguments, environment: ["PATH=/usr/bin:/bin", "HOME=\(folder.path)"])
    spawn.standardOutput = SharedDescriptor(try FileDescriptor.open(path, O_WRONLY | O_CREAT, mode: 0o600))
    _ = try spawn.start().wait(block: true)
    return String(decoding: try Files.read(path), as: UTF8.self)
}
