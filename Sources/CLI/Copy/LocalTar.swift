import Base
import CLinux

/// `tar` of this machine, at the other end of a pipe.
final class LocalTar {
    enum Direction {
        /// It is written to.
        case input
        /// It is read from.
        case output
    }

    private let child: ChildProcess
    private var pipe: SharedDescriptor?

    init(_ arguments: [String], _ direction: Direction) throws(CLIError) {
        guard let program = Programs.find("tar") else {
            throw .failed("cp needs the program tar on this machine: apt install tar")
        }
        let ends: SharedPipe
        do throws(SystemError) {
            ends = try SharedPipe()
            var spawn = Spawn(program, arguments, environment: Programs.environment)
            spawn.standardInput = direction == .input ? ends.read : nil
            spawn.standardOutput = direction == .output ? ends.write : nil
            // Its complaints are for the person.
            let raw = try retrying("dup", "standard error") { swl_fcntl(2, F_DUPFD_CLOEXEC, 3) }
            spawn.standardError = SharedDescriptor(FileDescriptor(adopting: raw))
            child = try spawn.start()
        } catch {
            throw .failed("cannot run \(program): \(error.errno)")
        }
        pipe = direction == .input ? ends.write : ends.read
    }

    /// Our end of the pipe.
    var descriptor: Int32 { pipe?.raw ?? -1 }

    /// Closes our end and waits for its end.
    ///
    /// - Throws: `CLIError` when it failed; it has said why.
    func finish() throws(CLIError) {
        pipe = nil
        let exit = try? child.wait(block: true)
        guard let exit, exit.code == 0 else { throw .failed("the copy is not complete: tar of this machine failed") }
    }
}
