import Base
import CLinux
import CMNL

/// Waits for changes of interfaces and addresses of the network namespace that its thread had when it was made.
struct RouteMonitor: ~Copyable {
    private var notifications: NetlinkSocket

    /// - Throws: `NetlinkError`.
    init() throws(NetlinkError) {
        notifications = try NetlinkSocket(.route, groups: UInt32(RTMGRP_LINK | RTMGRP_IPV6_IFADDR))
    }

    /// Asks `isDone` at once and after every change, until it says true.
    ///
    /// - Parameters:
    ///   - alternative: a descriptor that ends the waiting when it can be read; -1 for none.
    ///   - milliseconds: how long at most; -1 for ever.
    /// - Returns: whether `isDone` said true.
    mutating func wait(
        orReadable alternative: Int32 = -1, milliseconds: Int32 = -1, _ request: String,
        until isDone: () throws(NetlinkError) -> Bool
    ) throws(NetlinkError) -> Bool {
        let end = milliseconds < 0 ? nil : BootInstant.now + .milliseconds(Int64(milliseconds))
        while true {
            // What comes from here on is seen by the next poll, what came before by `isDone`.
            notifications.discardNotifications()
            if try isDone() { return true }
            var sources = [
                pollfd(fd: notifications.raw, events: Int16(POLLIN), revents: 0),
                pollfd(fd: alternative, events: Int16(POLLIN), revents: 0),
            ]
            let left = end.map { (($0 - BootInstant.now).count + 999_999) / 1_000_000 }
            if let left, left <= 0 { return false }
            guard poll(&sources, 2, left.map { Int32(clamping: $0) } ?? -1) >= 0 else {
                let failure = Errno.current
                if failure == .interrupted { continue }
                throw NetlinkError("wait for \(request)", failure)
            }
            if sources[1].revents != 0 { return false }
        }
    }
}
