import Base
import CLinux

/// `swiftlet get pods -w`, read line by line.
final class Watch {
    private let process: ChildProcess
    private let reading: FileDescriptor
    private var rest: [UInt8] = []

    init(program: String, root: String) throws {
        var ends: [Int32] = [-1, -1]
        try retrying("pipe2", "the watch") { pipe2(&ends, O_CLOEXEC) }
        reading = FileDescriptor(adopting: ends[0])
        var spawn = Spawn(program, ["--root", root, "get", "pods", "--no-headers", "-w"])
        spawn.standardOutput = SharedDescriptor(FileDescriptor(adopting: ends[1]))
        process = try spawn.start()
    }

    func end() {
        _ = try? process.send(SIGKILL)
        _ = try? process.wait(block: true)
    }

    /// Waits for the line that says this of the pod; when it came.
    func moment(of pod: String, _ status: String) throws -> BootInstant {
        while true {
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let words = String(decoding: rest[..<end], as: UTF8.self).split(separator: " ")
                rest.removeSubrange(...end)
                if words.first == pod[...], words.contains(status[...]) { return .now }
            }
            var wanted = pollfd(fd: reading.raw, events: Int16(POLLIN), revents: 0)
            guard poll(&wanted, 1, 10_000) == 1 else {
                throw Problem("nobody said within 10 s that \(pod) is \(status)")
            }
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = try buffer.withUnsafeMutableBytes { try reading.read(into: $0) }
            guard let count, count > 0 else { throw Problem("the watch has ended") }
            rest += buffer[..<count]
        }
    }
}
