import Base
import CNITypes
import HTTP
import NodeAgent

/// The command line of `swiftletd`.
struct Options {
    var root = ""
    var checkOnly = false
    /// Ends the pods of an agent that runs no more, and nothing else.
    var stopsPods = false
    /// The configuration file; below `root` unless it was named.
    var configuration: String?
    /// What the command line sets: it wins over the file.
    var settings = NodeSettings()

    /// What the command line asks for.
    enum Request {
        case run(Options)
        case help
        case version
        /// The short-lived process that reads image archives.
        case imageWorker([String])
    }

    struct UsageError: Error, CustomStringConvertible {
        var description: String
    }

    static let help = """
        swiftletd - the agent of a Swiftlet node: runs the pods of a folder of manifests

        Usage: swiftletd [OPTIONS]

          --root DIR             prefix of all paths (DIR/etc/podspecs, DIR/var/lib/swiftlet, DIR/run/swiftlet,
                                 DIR/var/log/pods); several agents with different roots run side by side
          --config FILE          the configuration (default: DIR/etc/swiftlet/config.yaml, where there is one);
                                 options of this command line win over it
          --check                look at the machine, say what is missing, and end
          --stop-pods            without an agent running: end all pods gracefully, release what they hold and end;
                                 they run again when the agent starts
          --limits=unenforced    start though the kernel cannot enforce cpu, memory and pids limits
          --drain-on-exit        end all pods gracefully before ending on SIGTERM or SIGINT; without it pods go on
          --cgroup-root PATH     the cgroup to work in, below the cgroup v2 mount (default: /swiftlet)
          --node-name NAME       the node's name (default: the host's)
          --pod-cidr RANGE       addresses of pods where no CNI network is configured (default: 10.85.0.0/16)
          --open-firewall        put rules into other programs' chains (Docker, ufw, ...) that would drop packets of the
                                 built-in network, and take them out with the last pod; without it they are named
          --pods-url URL         ask this URL for pods, beside the folder of manifests
          --status-url URL       send the status of pods to this URL
          --pod-pids-limit N     processes a pod may have, -1 for no limit (default: 4096)
          --log-level LEVEL      error, warning, info or debug (default: info)
          --version              print the version
          --help                 print this text

        Exit status: 0 ended as asked, 1 failed, 2 wrong usage.

        """

    static func parse(_ arguments: [String]) throws(UsageError) -> Request {
        if arguments.first == "image-worker" { return .imageWorker(Array(arguments.dropFirst())) }
        var options = Options()
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            var name = argument
            var attached: String?
            if argument.hasPrefix("--"), let equals = argument.firstIndex(of: "=") {
                name = String(argument[..<equals])
                attached = String(argument[argument.index(after: equals)...])
            }
            func value() throws(UsageError) -> String {
                if let attached { return attached }
                guard let next = rest.popFirst() else { throw UsageError(description: "\(name) needs a value") }
                return next
            }
            switch name {
            case "--root":
                options.root = try value()
                guard options.root.hasPrefix("/") else {
                    throw UsageError(description: "--root \(options.root): give an absolute path")
                }
                while options.root.hasSuffix("/") { options.root.removeLast() }
            case "--config": options.configuration = try value()
            case "--node-name": options.settings.nodeName = try value()
            case "--cgroup-root": options.settings.cgroupRoot = try value()
            case "--limits":
                let choice = try value()
                guard choice == "unenforced" || choice == "enforced" else {
                    throw UsageError(description: "--limits=\(choice): expected enforced or unenforced")
                }
                options.settings.acceptsUnenforcedLimits = choice == "unenforced"
            case "--pod-cidr":
                let text = try value()
                guard let range = IPPrefix(text), NodeSettings.isPodRange(range) else {
                    throw UsageError(
                        description: "--pod-cidr \(text): expected a network of at least 8 addresses, as 10.85.0.0/16")
                }
                options.settings.podRange = range
            case "--pods-url": options.settings.podsEndpoint.url = try url(name, try value())
            case "--status-url": options.settings.statusEndpoint.url = try url(name, try value())
            case "--pod-pids-limit":
                let text = try value()
                guard let limit = Int64(text), limit == -1 || limit > 0 else {
                    throw UsageError(description: "--pod-pids-limit \(text): expected a positive number or -1")
                }
                options.settings.podPIDLimit = limit
            case "--log-level":
                let text = try value()
                guard let level = Log.Level(word: text) else {
                    throw UsageError(description: "--log-level \(text): expected error, warning, info or debug")
                }
                options.settings.logLevel = level
            case "--drain-on-exit", "--open-firewall", "--check", "--stop-pods", "--help", "-h", "--version":
                if let attached { throw UsageError(description: "\(name) takes no value (\(attached))") }
                switch name {
                case "--drain-on-exit": options.settings.drainsOnExit = true
                case "--open-firewall": options.settings.opensFirewall = true
                case "--check": options.checkOnly = true
                case "--stop-pods": options.stopsPods = true
                case "--version": return .version
                default: return .help
                }
            default: throw UsageError(description: "unknown option \(argument); see swiftletd --help")
            }
        }
        if options.checkOnly, options.stopsPods {
            throw UsageError(description: "--check and --stop-pods do not go together")
        }
        return .run(options)
    }

    private static func url(_ name: String, _ text: String) throws(UsageError) -> HTTPURL {
        do throws(HTTPError) { return try HTTPURL(text) } catch {
            throw UsageError(description: "\(name): \(error.message)")
        }
    }
}
