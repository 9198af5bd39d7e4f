import Base
import CLinux
import Images
import JSON
import OCI

/// The image worker: a short-lived process of the agent's own program, so that hostile bytes, the memory to unpack them
/// and a crash on them stay out of the agent.
public enum ImageWorker {
    /// Does what `arguments` (without the program's name) say, with `ImageWorkerMessage` lines on standard output.
    ///
    /// - Returns: the exit status: 0, 1 when it failed, 2 for wrong arguments.
    public static func run(_ arguments: [String]) -> Int32 {
        let command: ImageWorkerCommand
        do {
            command = try ImageWorkerCommand(arguments)
        } catch {
            send(.failed(error))
            return 2
        }
        // A core file of this process would be an image's to fill.
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = setrlimit(RLIMIT_CORE, &none)
        // Enough for two zstd windows of the largest kind and all names; a mistake of ours must not eat the machine.
        var memory = rlimit(rlim_cur: 2 << 30, rlim_max: 2 << 30)
        _ = setrlimit(RLIMIT_DATA, &memory)
        // The agent may be gone: a write then fails, and the import goes on to its end.
        var pipe = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        _ = pthread_sigmask(SIG_BLOCK, &pipe, nil)
        if command.verb == .pull { return pull(command) }
        do throws(ImageError) {
            send(try perform(command))
            return 0
        } catch {
            send(.failed(error))
            return 1
        }
    }

    private static func pull(_ command: ImageWorkerCommand) -> Int32 {
        do throws(PullError) {
            let pull = try ImagePull(
                command.operand, store: command.store, registries: command.registries,
                signatures: command.signatures, input: try PullInput.read(0))
            let image = try pull.run { send(.pulling($0)) }
            send(.pulled(ImageWorkerMessage.Loaded(id: image.id, names: image.names)))
            return 0
        } catch {
            send(.notPulled(error))
            return 1
        }
    }

    private static func perform(_ command: ImageWorkerCommand) throws(ImageError) -> ImageWorkerMessage {
        let store = try ImageStore(root: command.store)
        switch command.verb {
        case .load:
            let images = try store.importArchive(command.operand, name: command.name) { send(.progress($0)) }
            return .loaded(images.map { ImageWorkerMessage.Loaded(id: $0.id, names: $0.names) })
        case .pull: throw ImageError(.unsupported, "image-worker: pull is not done here")
        case .import: return .loaded([try importRoot(command, store)])
        case .rm:
            return .removed(try store.remove(command.operand, layersInUse: command.inUse, emptiesTrash: false))
        case .tidy:
            try store.emptyTrash()
            return .swept
        case .verify: return .verified(try store.verify(command.operands, contents: command.contents))
        case .save:
            let output = SharedDescriptor(FileDescriptor(adopting: command.output))
            try store.save(command.operands, as: command.format, to: output)
            return .saved
        case .sweep:
            try store.sweep(layersInUse: command.inUse)
            return .swept
        }
    }

    private static func importRoot(
        _ command: ImageWorkerCommand, _ store: ImageStore
    ) throws(ImageError) -> ImageWorkerMessage.Loaded {
        let config: ImageConfig
        do throws(JSONError) {
            config = try ImageConfig(rootDocument: try JSONParser.parse(Array(command.config.utf8)))
        } catch {
            throw ImageError(.unsupported, "the image's config: \(error)")
        }
        let reference = try ImageReference(parsing: command.name ?? "")
        let image = try store.importRoot(
            command.operand, as: reference, config: config, source: command.source
        ) { send(.progress($0)) }
        return ImageWorkerMessage.Loaded(id: image.id, names: image.names)
    }

    private static func send(_ message: ImageWorkerMessage) {
        let line = JSONWriter().bytes(message.json) + [0x0A]
        // One write a line: lines of several threads do not mix.
        line.withUnsafeBytes { _ = write(1, $0.baseAddress, $0.count) }
    }
}
