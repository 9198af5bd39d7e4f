import Base
import CLinux
import Images

/// One run of the image worker.
@LoopActor
final class ImageWorkerProcess {
    private let loop: EventLoop
    private let process: ChildProcess
    private let output: SharedDescriptor
    private var watch: EventLoop.Token?
    private var line: [UInt8] = []
    private var last: ImageWorkerMessage?
    private let progress: (ImageWorkerMessage) -> Void
    private let completion: (Result<ImageWorkerMessage, ImageError>) -> Void

    /// - Parameters:
    ///   - input: what stands on its standard input.
    ///   - environment: further variables.
    ///   - keep: stay open in it, at their own numbers.
    ///   - endsWithAgent: whether it is killed when the agent is gone; else it goes on to its end.
    ///   - progress: called with each message that is not its last.
    init(
        _ arguments: [String], input: [UInt8]? = nil, environment: [String] = [], keep: [SharedDescriptor] = [],
        endsWithAgent: Bool = false,
        loop: EventLoop, progress: @escaping (ImageWorkerMessage) -> Void = { _ in },
        completion: @escaping (Result<ImageWorkerMessage, ImageError>) -> Void
    ) throws(SystemError) {
        self.loop = loop
        self.progress = progress
        self.completion = completion
        let pipe = try SharedPipe(readsNonBlocking: true)
        output = pipe.read
        // The very program that runs, also when its file was replaced meanwhile.
        var spawn = Spawn(
            "/proc/self/exe", ["image-worker"] + arguments,
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] + environment)
        if let input { spawn.standardInput = try Self.file(input) }
        spawn.keep = keep
        if endsWithAgent { spawn.parentDeathSignal = SIGKILL }
        spawn.standardOutput = pipe.write
        spawn.standardError = SharedDescriptor(
            FileDescriptor(adopting: try retrying("duplicate", "standard error") { swl_fcntl(2, F_DUPFD_CLOEXEC, 3) }))
        process = try spawn.start()
        watch = try loop.watch(output.descriptor, for: .readable) { [unowned self] _ in read() }
    }

    /// Ends it in the middle of whatever it does; its completion is called, with a failure.
    func kill() { _ = try? process.send(SIGKILL) }

    /// A nameless file in memory: a pipe would make the agent wait for its reader, and secrets stay off the disk.
    private static func file(_ bytes: [UInt8]) throws(SystemError) -> SharedDescriptor {
        let raw = try retrying("memfd_create", "the image worker's input") {
            swl_memfd_create("image-worker", UInt32(MFD_CLOEXEC))
        }
        let file = FileDescriptor(adopting: raw)
        try file.writeAll(bytes, name: "the image worker's input")
        try retrying("seek", "the image worker's input") { lseek(raw, 0, SEEK_SET) }
        return SharedDescriptor(file)
    }

    private func read() {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count: Int?
            do throws(SystemError) {
                count = try output.descriptor.read(into: &buffer)
            } catch {
                return end()
            }
            guard let count else { return }
            if count == 0 { return end() }
            for byte in buffer[..<count] {
                if byte != 0x0A {
                    // A worker that writes no line end is broken: its words are not kept for ever.
                    if line.count < 4 << 20 { line.append(byte) }
                    continue
                }
                if let message = try? ImageWorkerMessage(line: line) {
                    if message.isFinal { last = message } else { progress(message) }
                }
                line.removeAll(keepingCapacity: true)
            }
        }
    }

    private func end() {
        if let watch { loop.unwatch(watch) }
        watch = nil
        // Its output has ended, so has it, or it is about to.
        let exit = try? process.wait(block: true)
        switch last {
        case .failed(let error)?: completion(.failure(error))
        case let message?: completion(.success(message))
        case nil:
            let how = exit.map { $0.signal != 0 ? "was killed by signal \($0.signal)" : "ended with status \($0.code)" }
            completion(
                .failure(ImageError(.storage, "the image worker \(how ?? "is gone") before it had finished; try again"))
            )
        }
    }
}
