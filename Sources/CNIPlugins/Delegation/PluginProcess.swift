import Base
import CLinux
import CNITypes

/// A plugin executed as a program of its own.
enum PluginProcess {
    /// What it may print at most, in bytes.
    static let outputLimit = 4 << 20

    /// Runs it to its end, in this thread's network namespace, with this process's environment but for `variables`.
    ///
    /// - Returns: how it ended, and its standard output. Standard error is this process's.
    /// - Throws: `SystemError`; EFBIG, the program killed, when it prints more than it may.
    static func run(
        _ path: String, variables: [String: String], input: [UInt8]
    ) throws(SystemError) -> (exit: ChildProcess.Exit, output: [UInt8]) {
        // A file in memory, not a pipe: however much there is and however late it is read, nobody waits.
        let memory = try retrying("create the input of", path) { swl_memfd_create("cni", UInt32(MFD_CLOEXEC)) }
        let standardInput = SharedDescriptor(FileDescriptor(adopting: memory))
        try standardInput.descriptor.writeAll(input, name: "the input of \(path)")
        try retrying("rewind the input of", path) { lseek(memory, 0, SEEK_SET) }

        let output = try FileDescriptor.pipe()
        var spawn = Spawn(path, [], environment: environment(variables))
        spawn.standardInput = standardInput
        spawn.standardOutput = SharedDescriptor(output.write)
        // Where it is closed the program gets /dev/null.
        let copy = swl_fcntl(2, F_DUPFD_CLOEXEC, 3)
        if copy >= 0 { spawn.standardError = SharedDescriptor(FileDescriptor(adopting: copy)) }
        let child = try spawn.start()
        return try collect(output.read, child, path)
    }

    /// Reads until the program has ended. A process that it leaves behind with its standard output holds nobody up.
    private static func collect(
        _ output: borrowing FileDescriptor, _ child: ChildProcess, _ path: String
    ) throws(SystemError) -> (exit: ChildProcess.Exit, output: [UInt8]) {
        try output.setNonBlocking()
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        var exit: ChildProcess.Exit?
        var isOpen = true
        while true {
            while isOpen, let count = try output.read(into: &chunk) {
                if count == 0 { isOpen = false }
                bytes.append(contentsOf: chunk[..<count])
                if bytes.count > outputLimit {
                    try child.send(SIGKILL)
                    _ = try child.wait(block: true)
                    throw SystemError("read the output of", path, Errno(rawValue: EFBIG))
                }
            }
            if let exit { return (exit, bytes) }
            var sources = [
                pollfd(fd: isOpen ? output.raw : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: child.pidfd.raw, events: Int16(POLLIN), revents: 0),
            ]
            try retrying("wait for", path) { poll(&sources, 2, -1) }
            // What it wrote last is read once more.
            if sources[1].revents != 0 { exit = try child.wait(block: true) }
        }
    }

    private static func environment(_ variables: [String: String]) -> [String] {
        var list: [String] = []
        var next = swl_environ()
        while let entry = next?.pointee {
            next = next?.advanced(by: 1)
            let text = String(cString: entry)
            let name = text.prefix { $0 != "=" }
            if variables[String(name)] == nil { list.append(text) }
        }
        return list + variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }
}
