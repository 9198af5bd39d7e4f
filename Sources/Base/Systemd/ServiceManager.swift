import CLinux

/// The service manager that started this process, told by sd_notify(3)'s protocol: datagrams of `NAME=value` lines.
/// Where there is none (NOTIFY_SOCKET is not set) nothing is sent.
public final class ServiceManager: Sendable {
    /// What a service manager says in the environment.
    public struct Invitation: Hashable, Sendable {
        /// A path, or `@` and an abstract name.
        public var address: String
        /// It wants a sign of life at least this often; nil when it does not.
        public var watchdog: Nanoseconds?

        public init(address: String, watchdog: Nanoseconds? = nil) {
            self.address = address
            self.watchdog = watchdog
        }

        /// Nil when nobody is to be told.
        ///
        /// - Parameter variable: looks an environment variable up.
        init?(variable: (String) -> String?, processID: pid_t) {
            guard let address = variable("NOTIFY_SOCKET"), address.hasPrefix("/") || address.hasPrefix("@"),
                address.utf8.count > 1
            else { return nil }
            self.address = address
            // A watchdog that is another process's is none of ours.
            let isForUs = variable("WATCHDOG_PID").map { Int64($0) == Int64(processID) } ?? true
            if isForUs, let text = variable("WATCHDOG_USEC"), let microseconds = Int64(text),
                (1...86_400_000_000).contains(microseconds)
            {
                watchdog = .microseconds(microseconds)
            }
        }
    }

    public let invitation: Invitation?
    private let socket: SharedDescriptor?

    /// - Parameter invitation: nil for nobody to tell.
    public init(_ invitation: Invitation?) {
        let raw = invitation == nil ? -1 : swl_unix_datagram(nil)
        socket = raw < 0 ? nil : SharedDescriptor(FileDescriptor(adopting: raw))
        self.invitation = socket == nil ? nil : invitation
    }

    /// The one of this process's environment. Its variables are removed, so that no program started later takes the
    /// invitation for its own: to be called before any thread is started.
    public static func ofEnvironment() -> ServiceManager {
        let invitation = Invitation(
            variable: { name in getenv(name).map { String(cString: $0) } }, processID: getpid())
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { unsetenv(name) }
        return ServiceManager(invitation)
    }

    /// Sends one message of these assignments; false when it could not be (or nobody is there).
    ///
    /// - Parameter waits: for a busy manager, a few seconds at most: for what must not be lost.
    @discardableResult
    public func notify(_ assignments: (name: String, value: String)..., waits: Bool = false) -> Bool {
        guard let socket, let invitation else { return false }
        var message: [UInt8] = []
        for (name, value) in assignments {
            message += name.utf8
            message.append(UInt8(ascii: "="))
            message += value.utf8.map { $0 == 0x0A ? 0x20 : $0 }
            message.append(0x0A)
        }
        return message.withUnsafeBytes {
            swl_send_datagram(socket.raw, invitation.address, $0.baseAddress, $0.count, waits ? 1 : 0) == 0
        }
    }
}
