import Base
import CLinux

/// What the daemon is started with: `dhcp daemon [OPTION ...]`.
struct DHCPDaemonOptions: Sendable {
    var socketPath = DHCPConfiguration.defaultSocket
    /// Where its process number is written.
    var pidFile: String?
    /// How long a container's ADD may wait for a server.
    var timeout = Nanoseconds.seconds(30)
    /// Whether servers are to answer to everybody on the link.
    var wantsBroadcast = false
    /// A socket that the service manager listens with.
    var inherited: Int32?

    static let usage = """
        usage: dhcp daemon [OPTION ...]
          -socketpath PATH   where plugins ask it (\(DHCPConfiguration.defaultSocket))
          -pidfile PATH      where its process number is written
          -timeout SECONDS   how long an ADD may wait for a server (30)
          -broadcast         servers are to answer to everybody on the link
        """

    /// - Returns: nil for what is none of these.
    init?(_ arguments: [String], variable: (String) -> String?) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].hasPrefix("--") ? String(parts[0].dropFirst(1)) : String(parts[0])
            if name == "-broadcast" {
                wantsBroadcast = parts.count < 2 || parts[1] == "true"
                continue
            }
            guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst(), !value.isEmpty else { return nil }
            switch name {
            case "-socketpath": socketPath = value
            case "-pidfile": pidFile = value
            case "-timeout":
                guard let seconds = Int64(value.last == "s" ? String(value.dropLast()) : value),
                    (1...3600).contains(seconds)
                else { return nil }
                timeout = .seconds(seconds)
            default: return nil
            }
        }
        // sd_listen_fds(3)
        if variable("LISTEN_PID").flatMap({ Int32($0) }) == getpid(), variable("LISTEN_FDS") == "1" { inherited = 3 }
    }

    /// Runs the daemon.
    ///
    /// - Returns: the exit status.
    static func run(_ arguments: [String]) -> Int32 {
        let log = Log()
        guard let options = DHCPDaemonOptions(arguments, variable: { getenv($0).map { String(cString: $0) } }) else {
            log.error(usage)
            return 2
        }
        do {
            if let pidFile = options.pidFile {
                try Files.replace(pidFile, with: Array("\(getpid())\n".utf8), durable: false)
            }
            try DHCPDaemon(options, log: log).run()
            return 0
        } catch {
            log.error("the DHCP daemon cannot go on: \(error)")
            return 1
        }
    }
}
