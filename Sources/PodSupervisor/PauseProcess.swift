import Base
import CLinux

/// The first process of a pid namespace that the pod's containers share. It reaps what is orphaned there and does
/// nothing else; with it the namespace and every process in it ends.
enum PauseProcess {
    /// - Throws: `SystemError` when it cannot be made, or ended before it was ready.
    static func start() throws(SystemError) -> ChildProcess {
        var pipe: SharedPipe? = try SharedPipe()
        guard let read = pipe?.read, let write = pipe?.write.raw else {
            throw SystemError("pipe2", "a new pipe", .invalid)
        }
        var pidfd: Int32 = -1
        let pid = try retrying("clone3", "the pause process") { swl_pause(write, &pidfd) }
        let process = ChildProcess(pid: pid, pidfd: SharedDescriptor(FileDescriptor(adopting: pidfd)))
        // Our writing end, so that the pipe ends with the process.
        pipe = nil
        var answer: [UInt8] = [0, 0]
        let count = try retrying("read", "the pause process's answer") {
            answer.withUnsafeMutableBytes { CLinux.read(read.raw, $0.baseAddress, $0.count) }
        }
        if count == 2, answer[0] == 0 { return process }
        _ = try? process.wait(block: true)
        throw SystemError("set up", "the pause process", Errno(rawValue: count == 2 ? Int32(answer[1]) : ESRCH))
    }
}
