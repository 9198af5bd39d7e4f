import Base
import CLinux
import CNetlink

/// Waits for changes of interfaces, IPv6 addresses and IPv6 routes of the network namespace that its thread had when it
/// was made.
struct RouteMonitor: ~Copyable {
    private var notifications: NetlinkSocket

    /// - Throws: `NetlinkError`.
    init() throws(NetlinkError) {
        notifications = try NetlinkSocket(.route, groups: UInt32(RTMGRP_LINK | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE))
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

extension RouteSocket {
    /// Waits until IPv6 addresses of the interface of `index` can be used: the kernel makes the route to an address of
    /// its own a moment after it has taken the address, or when it has found no duplicate of it. In the network
    /// namespace of this thread, which must be the socket's.
    ///
    /// - Parameters:
    ///   - wanted: 16 bytes each; others are left out.
    ///   - milliseconds: how long at most.
    /// - Returns: those that cannot be used: duplicates, and those not known yet after that time.
    /// - Throws: `NetlinkError`.
    public mutating func waitForAddresses(
        _ wanted: [[UInt8]], of index: Int32, milliseconds: Int32
    ) throws(NetlinkError) -> [InterfaceAddress] {
        let wanted = wanted.filter { $0.count == 16 }
        guard !wanted.isEmpty else { return [] }
        var monitor = try RouteMonitor()
        var unusable: [InterfaceAddress] = []
        _ = try monitor.wait(milliseconds: milliseconds, "the addresses of link number \(index)") {
            () throws(NetlinkError) in
            let local = try localAddresses()
            unusable = try addresses(of: index).filter {
                wanted.contains($0.address) && ($0.isTentative || $0.isDuplicate || !local.contains($0.address))
            }
            return unusable.allSatisfy { $0.isDuplicate }
        }
        return unusable
    }

    /// Waits until packets given to the interface `name` are sent. The kernel notices a carrier a moment after it is there;
    /// what is given to it before that is lost, and for a second nobody gives it again. In the network namespace of this
    /// thread, which must be the socket's.
    ///
    /// - Parameter milliseconds: how long at most.
    /// - Returns: whether they are.
    /// - Throws: `NetlinkError`.
    public mutating func waitUntilSending(_ name: String, milliseconds: Int32) throws(NetlinkError) -> Bool {
        // Mostly so at once.
        if try link(named: name)?.isSending == true { return true }
        var monitor = try RouteMonitor()
        return try monitor.wait(milliseconds: milliseconds, "the carrier of \(name)") { () throws(NetlinkError) in
            try link(named: name)?.isSending == true
        }
    }

    /// Waits until packets pass between a bridge, its port `name` and this machine. The kernel notices a carrier a
    /// moment after it is there; what is sent before that is lost, and for a second nobody sends it again. A port that
    /// the spanning tree holds back is not waited for. In the network namespace of this thread, which must be the
    /// socket's.
    ///
    /// - Parameters:
    ///   - mayRestart: whether the bridge may be set down and up: its first port gives it a carrier, at which the
    ///     kernel otherwise looks once a second at most. It loses its IPv6 addresses by that.
    ///   - milliseconds: how long at most.
    /// - Returns: whether they do.
    /// - Throws: `NetlinkError`.
    public mutating func waitForBridgePort(
        _ name: String, of bridge: String, mayRestart: Bool, milliseconds: Int32
    ) throws(NetlinkError) -> Bool {
        // Mostly so at once.
        if try passage(name, bridge) == .open { return true }
        var monitor = try RouteMonitor()
        var now = Passage.closed
        _ = try monitor.wait(milliseconds: milliseconds, "the bridge port \(name)") { () throws(NetlinkError) in
            now = try passage(name, bridge)
            return now == .open || now == .atBridge && mayRestart
        }
        guard now == .atBridge, mayRestart else { return now == .open }
        try perform {
            $0.setUp(.name(bridge), false)
            $0.setUp(.name(bridge))
        }
        return try passage(name, bridge) == .open
    }

    /// How far packets get.
    private enum Passage {
        case closed
        /// Between ports, and not from the machine itself.
        case atBridge
        case open
    }

    private mutating func passage(_ name: String, _ bridge: String) throws(NetlinkError) -> Passage {
        let links = try links([.name(name), .name(bridge)])
        switch links.first(where: { $0.name == name })?.port?.state {
        case .listening, .learning, .blocking: return .open
        case .forwarding: return links.contains { $0.name == bridge && $0.isSending } ? .open : .atBridge
        case .disabled, nil: return .closed
        }
    }
}
