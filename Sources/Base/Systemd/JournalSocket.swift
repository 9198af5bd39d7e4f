import CLinux

/// Where the systemd journal takes entries with fields.
public final class JournalSocket: Sendable {
    private let address: String
    private let socket: FileDescriptor

    /// - Parameter address: of the journal's socket.
    /// - Throws: `SystemError` when no socket can be had.
    public init(address: String = "/run/systemd/journal/socket") throws(SystemError) {
        self.address = address
        socket = FileDescriptor(adopting: try retrying("socket", "the journal") { swl_unix_datagram(nil) })
    }

    /// Sends an entry without waiting; false when the journal does not take it now.
    public func send(_ entry: JournalEntry) -> Bool {
        let raw = socket.raw
        return entry.bytes.withUnsafeBytes { swl_send_datagram(raw, address, $0.baseAddress, $0.count, 0) == 0 }
    }

    /// Whether `descriptor` is the stream to the journal that `JOURNAL_STREAM` names (systemd.exec(5)). The variable
    /// alone says little: it is inherited also where the output goes elsewhere.
    public static func isStream(_ descriptor: Int32, variable: String?) -> Bool {
        guard let variable else { return false }
        let parts = variable.split(separator: ":", omittingEmptySubsequences: false)
        var status = stat()
        guard parts.count == 2, let device = UInt64(parts[0]), let inode = UInt64(parts[1]),
            fstat(descriptor, &status) == 0
        else { return false }
        return UInt64(status.st_dev) == device && UInt64(status.st_ino) == inode
    }
}
