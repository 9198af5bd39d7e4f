import Base
import CLinux
import Linux

/// The floor program, which measures itself.
final class FloorLane: Lane {
    let name = "floor"
    let host: String
    private let program: String
    private let process: ChildProcess
    private let input: FileDescriptor
    private let output: FileDescriptor

    init(program: String, host: String, leases: String) throws {
        self.host = host
        self.program = program
        let input = try FileDescriptor.pipe()
        let output = try FileDescriptor.pipe()
        var spawn = Spawn(program, [leases], environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        spawn.standardInput = SharedDescriptor(input.read)
        spawn.standardOutput = SharedDescriptor(output.write)
        spawn.standardError = SharedDescriptor(FileDescriptor(adopting: dup(2)))
        spawn.networkNamespace = SharedDescriptor(try NetworkNamespace(path: host).descriptor.duplicate())
        process = try spawn.start()
        self.input = input.write
        self.output = output.read
        guard try answer() == "ready" else { throw Problem("the floor program could not begin") }
    }

    /// The start of a static program that does nothing.
    func start() throws -> Nanoseconds {
        let start = BootInstant.now
        _ = try Spawn(program, []).start().wait(block: true)
        return .now - start
    }

    func add(_ sandbox: Sandbox) throws -> Cost {
        try ask("add \(sandbox.index) \(sandbox.ports) \(sandbox.path)")
    }

    func link(of sandbox: Sandbox) -> String { "f\(sandbox.index)" }

    func delete(_ sandbox: Sandbox, isGone: Bool) throws -> Cost {
        try ask("del \(sandbox.index) \(sandbox.ports) \(isGone ? "gone" : "live")")
    }

    private func ask(_ line: String) throws -> Cost {
        try input.writeAll("\(line)\n".utf8)
        let numbers = try answer().split(separator: " ").compactMap { Int64($0) }
        guard numbers.count == 2 else { throw Problem("the floor program has ended") }
        return Cost(whole: Nanoseconds(numbers[0]), ports: Nanoseconds(numbers[1]))
    }

    /// A line, without its end.
    private func answer() throws -> String {
        var line: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 256)
        while let count = try output.read(into: &chunk), count > 0 {
            line.append(contentsOf: chunk[..<count])
            if line.last == 0x0A { break }
        }
        return String(decoding: line.dropLast(), as: UTF8.self)
    }
}
