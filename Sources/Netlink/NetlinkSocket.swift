import Base
import CLinux
import CNetlink

/// A netlink socket in the network namespace that its thread had when it was made. It blocks: the kernel answers within
/// the call.
public struct NetlinkSocket: ~Copyable {
    public enum Family: Int32, Sendable {
        case route = 0
        case netfilter = 12
    }

    /// Readable when a notification is there. For waiting alone.
    let raw: Int32
    private let buffer: UnsafeMutableRawBufferPointer
    /// The sequence number before that of the next request: late answers to an earlier one are told from its own.
    private var sequence: UInt32 = 0

    /// - Parameter groups: the old-style multicast groups (RTMGRP_*) whose notifications it gets.
    /// - Throws: `NetlinkError`; EPROTONOSUPPORT when the kernel lacks the family.
    public init(_ family: Family, groups: UInt32 = 0) throws(NetlinkError) {
        let opened = CLinux.socket(
            AF_NETLINK, Int32(bitPattern: SOCK_RAW.rawValue | SOCK_CLOEXEC.rawValue), family.rawValue)
        guard opened >= 0 else { throw NetlinkError("open a netlink socket of family \(family)", .current) }
        var on: Int32 = 1
        // Explanations of errors, and errors without the request in them. Without these it works too.
        for option in [NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK] {
            _ = setsockopt(opened, SOL_NETLINK, Int32(option), &on, socklen_t(MemoryLayout<Int32>.size))
        }
        guard (Self.withAddress(groups) { bind(opened, $0, $1) }) == 0 else {
            let failure = Errno.current
            _ = CLinux.close(opened)
            throw NetlinkError("bind a netlink socket of family \(family)", failure)
        }
        raw = opened
        // A dump's part may have this much (NLMSG_GOODSIZE of large pages).
        buffer = .allocate(byteCount: 32 << 10, alignment: 8)
    }

    /// Milliseconds, longer than a grace period of the kernel.
    private static let linger: Int32 = 100
    /// Whether what the kernel does at the last close, and lets its caller wait for, is left to a process of its own.
    var closesWithoutWaiting = false

    deinit {
        // Without a holder (too many processes) it is closed with the wait.
        let holder = closesWithoutWaiting ? swl_hold_open(raw, Self.linger) : -1
        defer { if holder >= 0 { _ = CLinux.close(holder) } }
        _ = CLinux.close(raw)
        buffer.deallocate()
    }

    /// The address of the kernel, or of nobody in particular.
    private static func withAddress<T>(
        _ groups: UInt32 = 0, _ body: (__CONST_SOCKADDR_ARG, socklen_t) -> T
    ) -> T {
        var address = sockaddr_nl()
        address.nl_family = sa_family_t(AF_NETLINK)
        address.nl_groups = groups
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(.init(__sockaddr__: $0), socklen_t(MemoryLayout<sockaddr_nl>.size))
            }
        }
    }

    /// Throws away the notifications that have come.
    borrowing func discardNotifications() {
        // Also what did not fit (ENOBUFS) is over with one call.
        while recv(raw, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT)) > 0
            || [.interrupted, Errno(rawValue: ENOBUFS)].contains(Errno.current)
        {}
    }

    /// The most bytes that one `perform` of a netfilter batch can send.
    public borrowing func setSendBuffer(_ bytes: Int) {
        var size = Int32(clamping: bytes)
        let length = socklen_t(MemoryLayout<Int32>.size)
        // Beyond the host's limit where that is allowed.
        if CLinux.setsockopt(raw, SOL_SOCKET, SO_SNDBUFFORCE, &size, length) != 0 {
            _ = CLinux.setsockopt(raw, SOL_SOCKET, SO_SNDBUF, &size, length)
        }
    }

    /// Sends the messages and waits until the kernel has carried out, or refused, every one.
    ///
    /// - Parameter each: gets answers that are no acknowledgement (of NLM_F_ECHO and GET requests).
    /// - Throws: `NetlinkError`, that of the first message in the batch that failed. Messages of rtnetlink are
    ///   independent: those behind it were tried too; an nftables batch is done as a whole or not at all.
    public mutating func perform(
        _ batch: borrowing NetlinkBatch, each: (NetlinkReply) -> Void = { _ in }
    ) throws(NetlinkError) {
        guard !batch.isEmpty || batch.hasOverflowed else { return }
        guard !batch.hasOverflowed else {
            throw NetlinkError("build \(batch.entries.last?.request ?? "a request")", Errno(rawValue: EMSGSIZE))
        }
        let base = try send(batch)
        var waiting = batch.entries.count { $0.isAcknowledged }
        var failure: NetlinkError?
        while waiting > 0 {
            let count = try receive(batch.entries[0].request)
            Self.forEach(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { message in
                let index = Int(message.pointee.nlmsg_seq &- base) - 1
                guard batch.entries.indices.contains(index) else { return }
                guard message.pointee.nlmsg_type == UInt16(NLMSG_ERROR) else {
                    return each(NetlinkReply(message: message))
                }
                let (errno, explanation) = Self.outcome(message)
                if batch.entries[index].isAcknowledged { waiting -= 1 }
                guard let errno, errno != batch.entries[index].tolerated else { return }
                // The kernel answers what asked for no answer only to refuse it, and with it the whole batch.
                if !batch.entries[index].isAcknowledged { waiting = 0 }
                if failure.map({ index < $0.index }) ?? true {
                    failure = NetlinkError(
                        batch.entries[index].request, errno, explanation: explanation, index: index)
                }
            }
        }
        if let failure { throw failure }
    }

    /// Sends one GET request and hands out every object of the answer.
    ///
    /// - Returns: false when the kernel's tables changed meanwhile so that the list may be incomplete: ask again.
    /// - Throws: `NetlinkError`.
    public mutating func dump<Header: BitwiseCopyable>(
        type: UInt16, header: Header, _ request: String, _ body: (inout NetlinkWriter) -> Void = { _ in },
        each: (NetlinkReply) -> Void
    ) throws(NetlinkError) -> Bool {
        var batch = NetlinkBatch(capacity: 4096)
        batch.append(type: type, flags: .dump, acknowledged: false, header: header, request, body)
        let base = try send(batch)
        var isComplete = true
        var isDone = false
        var failure: NetlinkError?
        while !isDone {
            let count = try receive(request)
            Self.forEach(UnsafeRawBufferPointer(rebasing: buffer[..<count])) { message in
                guard message.pointee.nlmsg_seq == base &+ 1 else { return }
                if message.pointee.nlmsg_flags & UInt16(NLM_F_DUMP_INTR) != 0 { isComplete = false }
                switch Int32(message.pointee.nlmsg_type) {
                case NLMSG_DONE: isDone = true
                case NLMSG_ERROR:
                    isDone = true
                    let (errno, explanation) = Self.outcome(message)
                    if let errno { failure = NetlinkError(request, errno, explanation: explanation) }
                default: each(NetlinkReply(message: message))
                }
            }
        }
        if let failure { throw failure }
        return isComplete
    }

    /// - Returns: the sequence number before that of the first message.
    private mutating func send(_ batch: borrowing NetlinkBatch) throws(NetlinkError) -> UInt32 {
        let base = sequence
        sequence &+= UInt32(batch.entries.count)
        for (index, entry) in batch.entries.enumerated() {
            batch.buffer.storeBytes(
                of: base &+ UInt32(index + 1), toByteOffset: entry.offset + 8, as: UInt32.self)
        }
        while (Self.withAddress { sendto(raw, batch.buffer.baseAddress, batch.used, 0, $0, $1) }) < 0 {
            let failure = Errno.current
            if failure != .interrupted { throw NetlinkError("send \(batch.entries[0].request)", failure) }
        }
        return base
    }

    private borrowing func receive(_ request: String) throws(NetlinkError) -> Int {
        while true {
            // With MSG_TRUNC the kernel says how much there was.
            let count = recv(raw, buffer.baseAddress, buffer.count, Int32(MSG_TRUNC))
            if 1...buffer.count ~= count { return count }
            let failure: Errno =
                count < 0 ? .current : count == 0 ? .connectionReset : Errno(rawValue: ENOBUFS)
            if failure != .interrupted { throw NetlinkError("receive the answer to \(request)", failure) }
        }
    }

    static func forEach(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafePointer<nlmsghdr>) -> Void) {
        var rest = bytes
        while rest.count >= MemoryLayout<nlmsghdr>.size, let base = rest.baseAddress {
            let message = base.assumingMemoryBound(to: nlmsghdr.self)
            let length = Int(message.pointee.nlmsg_len)
            guard length >= MemoryLayout<nlmsghdr>.size, length <= rest.count else { return }
            body(message)
            rest = UnsafeRawBufferPointer(rebasing: rest[Swift.min((length + 3) & ~3, rest.count)...])
        }
    }

    /// The error of an NLMSG_ERROR message, nil for none, and the kernel's words about it.
    private static func outcome(_ message: UnsafePointer<nlmsghdr>) -> (Errno?, String) {
        let reply = NetlinkReply(message: message)
        guard let code = reply.header(Int32.self) else { return (.inputOutput, "the answer is cut off") }
        guard code != 0 else { return (nil, "") }
        var explanation = ""
        if message.pointee.nlmsg_flags & UInt16(NLM_F_ACK_TLVS) != 0 {
            // nlmsgerr: the code and the request's header; the request's body is capped.
            explanation = reply.attributes(after: 20)[Int(NLMSGERR_ATTR_MSG.rawValue)]?.text ?? ""
        }
        return (Errno(rawValue: -code), explanation)
    }
}
