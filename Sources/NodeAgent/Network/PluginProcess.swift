import Base
import CLinux
import CNIRuntime
import CNITypes
import JSON

/// One plugin that runs.
@LoopActor
final class PluginProcess {
    struct End {
        var exit: ChildProcess.Exit
        var output: [UInt8]
        var complaint: [UInt8]
    }

    /// One that has begun, and that nobody watches yet.
    struct Begun: Sendable {
        fileprivate let process: ChildProcess
        fileprivate let output: SharedDescriptor
        fileprivate let complaint: SharedDescriptor

        var pid: pid_t { process.pid }
    }

    private let process: ChildProcess
    private let output: SharedDescriptor
    private let complaint: SharedDescriptor
    private var collected: [[UInt8]] = [[], []]
    private var watches: [EventLoop.Token] = []
    private var timer: EventLoop.Token?
    private var completion: ((End?) -> Void)?
    /// What a plugin may say: more is dropped, and what is left of an answer is then none.
    private let limits = [NetworkConfiguration.limits.bytes, 64 << 10]

    init(_ begun: Begun) { (process, output, complaint) = (begun.process, begun.output, begun.complaint) }

    /// Begins one. Blocks until the program is executed, which on a busy machine takes as long as everybody's turns. The
    /// thread must outlive the plugin.
    nonisolated static func begin(_ program: String, _ request: PluginRequest) throws(SystemError) -> Begun {
        // In memory, so that the plugin reads it when it likes and nobody waits.
        let input = SharedDescriptor(
            FileDescriptor(
                adopting: try retrying("memfd_create", "the input of \(program)") {
                    swl_memfd_create("cni-input", UInt32(MFD_CLOEXEC))
                }))
        try input.descriptor.writeAll(request.input, name: "the input of \(program)")
        try retrying("lseek", "the input of \(program)") { lseek(input.raw, 0, SEEK_SET) }
        let output = try SharedPipe(readsNonBlocking: true)
        let complaint = try SharedPipe(readsNonBlocking: true)
        var spawn = Spawn(program, [], environment: request.environment + Self.inherited)
        spawn.standardInput = input
        spawn.standardOutput = output.write
        spawn.standardError = complaint.write
        // In a process group of its own: what it started is killed with it.
        spawn.newSession = true
        // An agent that is killed leaves no plugin at work behind: the next one asks for DEL.
        spawn.parentDeathSignal = SIGKILL
        return Begun(process: try spawn.start(), output: output.read, complaint: complaint.read)
    }

    /// Reference plugins look for `iptables` in PATH.
    private nonisolated static let inherited = [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "SWIFT_BACKTRACE=enable=no",
    ]

    /// Calls `completion` once: with the plugin's end, or nil when it was killed because it took too long.
    func watch(on loop: EventLoop, patience: Nanoseconds, _ completion: @escaping (End?) -> Void) {
        self.completion = completion
        do throws(SystemError) {
            for (index, descriptor) in [output, complaint].enumerated() {
                var token: EventLoop.Token?
                token = try loop.watch(descriptor.descriptor, for: .readable) { [self] _ in
                    if read(index), let token { loop.unwatch(token) }
                }
                if let token { watches.append(token) }
            }
            watches.append(try loop.watch(process.pidfd.descriptor, for: .readable) { [self] _ in ended(loop) })
        } catch {
            // No watch can be had: it is waited for here, which takes as long as the plugin.
            kill()
            return ended(loop)
        }
        timer = loop.schedule(after: patience) { [self] in
            timer = nil
            kill()
            _ = try? process.wait(block: true)
            finish(loop, nil)
        }
    }

    private func kill() {
        // It has not been reaped: the number is still its own, and its group's.
        _ = CLinux.kill(-process.pid, SIGKILL)
    }

    /// Reads what is there; true at the end.
    private func read(_ index: Int) -> Bool {
        let source = index == 0 ? output : complaint
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            guard let count = try? source.descriptor.read(into: &chunk) else { return false }
            if count == 0 { return true }
            let room = limits[index] - collected[index].count
            collected[index] += chunk[..<min(count, max(0, room))]
        }
    }

    private func ended(_ loop: EventLoop) {
        let exit = (try? process.wait(block: true)) ?? ChildProcess.Exit(code: 255, signal: 0)
        _ = read(0)
        _ = read(1)
        finish(loop, End(exit: exit, output: collected[0], complaint: collected[1]))
    }

    private func finish(_ loop: EventLoop, _ end: End?) {
        for token in watches { loop.unwatch(token) }
        watches = []
        if let timer { loop.cancel(timer) }
        timer = nil
        let completion = completion
        self.completion = nil
        completion?(end)
    }
}
