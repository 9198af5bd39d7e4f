import Base
import CLinux
import HTTPClient
import ImageWork
import NodeAgent

/// The agent's program. `main` is synchronous: the loop, on this thread, is the executor of everything.
@main
enum Program {
    static func main() {
        exit(run(Array(CommandLine.arguments.dropFirst())))
    }

    private static func run(_ arguments: [String]) -> Int32 {
        do throws(Options.UsageError) {
            switch try Options.parse(arguments) {
            case .help:
                print(Options.help, terminator: "")
                return 0
            case .version:
                print("swiftletd \(Release.version)")
                return 0
            case .imageWorker(let arguments): return ImageWorker.run(arguments)
            case .run(let options): return options.checkOnly ? check(options) : serve(options)
            }
        } catch {
            complain("\(error)")
            return 2
        }
    }

    private static func complain(_ message: String) {
        let line = Array("swiftletd: \(message)\n".utf8)
        line.withUnsafeBytes { _ = write(2, $0.baseAddress, $0.count) }
    }

    private static func check(_ options: Options) -> Int32 {
        var configuration = Configuration(options)
        let problem = configuration.read().map { "\($0)" }
        var preflight = Preflight(
            paths: NodePaths(root: options.root),
            acceptsUnenforced: configuration.settings.acceptsUnenforcedLimits ?? false)
        let settings = configuration.settings
        check("podsURL", settings.podsEndpoint, root: options.root, &preflight)
        check("statusURL", settings.statusEndpoint, root: options.root, &preflight)
        print(preflight.table, terminator: "")
        if let problem { complain(problem) }
        return preflight.hasFailed || problem != nil ? 1 : 0
    }

    /// Looks at the files of an endpoint.
    private static func check(
        _ name: String, _ endpoint: EndpointSettings, root: String, _ preflight: inout Preflight
    ) {
        guard let url = endpoint.url else { return }
        do throws(ClientError) {
            try HTTPClient.check(url, endpoint.options(root: root))
            preflight.add(name, .ok, "\(url), not asked now")
        } catch {
            preflight.add(name, .failed, error.message)
        }
    }

    private static func serve(_ options: Options) -> Int32 {
        // Before any thread is there.
        let manager = ServiceManager.ofEnvironment()
        var hasFailed = false
        do {
            try LoopActor.run { loop in
                let node = try Node(options, loop: loop, manager: manager)
                if options.stopsPods { try node.stopPods() } else { try node.start() }
                try loop.run()
                hasFailed = node.hasFailed
            }
            return hasFailed ? 1 : 0
        } catch {
            complain("\(error)")
            return 1
        }
    }
}
