import Base
import CLinux

/// Another runtime, by its command line.
struct Peer: ~Copyable {
    let fifo: Fifo
    /// Shell command that removes what a start left.
    let cleanup: String
    let program: String
    let arguments: [String]

    init(fifo: consuming Fifo, cleanup: String, program: String, arguments: [String]) {
        self.fifo = fifo
        self.cleanup = cleanup
        self.program = program
        self.arguments = arguments
    }

    func measureStarts(_ count: Int) throws -> [Nanoseconds] {
        var durations: [Nanoseconds] = []
        // The first ones fill caches, as for the agent.
        for index in 0..<(count + 2) {
            let begin = BootInstant.now
            let child = try start(program, arguments)
            let first = try fifo.next(within: .seconds(30))
            if index >= 2 { durations.append(first - begin) }
            _ = try child.wait(block: true)
            if !cleanup.isEmpty { _ = try start("/bin/sh", ["-c", cleanup]).wait(block: true) }
        }
        return durations
    }

    private func start(_ path: String, _ arguments: [String]) throws -> ChildProcess {
        var environment: [String] = []
        for name in ["PATH", "HOME", "CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "TMPDIR", "XDG_RUNTIME_DIR"] {
            if let value = getenv(name) { environment.append("\(name)=\(String(cString: value))") }
        }
        var spawn = Spawn(path, arguments, environment: environment)
        spawn.standardError = SharedDescriptor(FileDescriptor(adopting: dup(2)))
        return try spawn.start()
    }
}
