import Base
import CLinux
import Images
import JSON

/// The image worker: a short-lived process of the agent's own program, so that hostile bytes, the memory to unpack them
/// and a crash on them stay out of the agent.
///
///     load  --store DIR [--name NAME] FILE
///     pull  --store DIR --registries FILE --signatures FILE REFERENCE
///     rm    --store DIR [--in-use LAYER-PATH]... REFERENCE
///     sweep --store DIR [--in-use LAYER-PATH]...
///
/// `pull` reads the credentials, a `PullInput`, from standard input.
public enum ImageWorker {
    /// Does what `arguments` (without the program's name) say, with `ImageWorkerMessage` lines on standard output.
    ///
    /// - Returns: the exit status: 0, 1 when it failed, 2 for wrong arguments.
    public static func run(_ arguments: [String]) -> Int32 {
        let command: Command
        do {
            command = try Command(arguments)
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

    private static func pull(_ command: Command) -> Int32 {
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

    private static func perform(_ command: Command) throws(ImageError) -> ImageWorkerMessage {
        let store = try ImageStore(root: command.store)
        switch command.verb {
        case .load:
            let images = try store.importArchive(command.operand, name: command.name) { send(.progress($0)) }
            return .loaded(images.map { ImageWorkerMessage.Loaded(id: $0.id, names: $0.names) })
        case .pull: throw ImageError(.unsupported, "image-worker: pull is not done here")
        case .rm: return .removed(try store.remove(command.operand, layersInUse: command.inUse))
        case .sweep:
            try store.sweep(layersInUse: command.inUse)
            return .swept
        }
    }

    private static func send(_ message: ImageWorkerMessage) {
        let line = JSONWriter().bytes(message.json) + [0x0A]
        // One write a line: lines of several threads do not mix.
        line.withUnsafeBytes { _ = write(1, $0.baseAddress, $0.count) }
    }

    struct Command {
        enum Verb: String {
            case load
            case pull
            case rm
            case sweep
        }

        var verb: Verb
        var store = ""
        var name: String?
        var registries = ""
        var signatures = ""
        var inUse: Set<String> = []
        var operand = ""

        init(_ arguments: [String]) throws(ImageError) {
            func refuse(_ what: String) -> ImageError { ImageError(.unsupported, "image-worker: \(what)") }
            guard let first = arguments.first, let verb = Verb(rawValue: first) else {
                throw refuse("expected load, pull, rm or sweep")
            }
            self.verb = verb
            var operands: [String] = []
            var i = 1
            while i < arguments.count {
                switch arguments[i] {
                case "--store" where i + 1 < arguments.count:
                    store = arguments[i + 1]
                    i += 2
                case "--name" where i + 1 < arguments.count:
                    name = arguments[i + 1]
                    i += 2
                case "--registries" where i + 1 < arguments.count:
                    registries = arguments[i + 1]
                    i += 2
                case "--signatures" where i + 1 < arguments.count:
                    signatures = arguments[i + 1]
                    i += 2
                case "--in-use" where i + 1 < arguments.count:
                    inUse.insert(arguments[i + 1])
                    i += 2
                default:
                    operands.append(arguments[i])
                    i += 1
                }
            }
            guard store.hasPrefix("/") else { throw refuse("--store needs an absolute path") }
            guard verb != .pull || registries.hasPrefix("/") && signatures.hasPrefix("/") else {
                throw refuse("--registries and --signatures need absolute paths")
            }
            guard operands.count == (verb == .sweep ? 0 : 1) else { throw refuse("wrong number of arguments") }
            operand = operands.first ?? ""
        }
    }
}
