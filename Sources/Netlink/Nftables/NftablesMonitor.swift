import Base
import CLinux
import CNetlink

/// Hears what is deleted of the nftables ruleset of the network namespace that its thread had when it was made.
public final class NftablesMonitor {
    /// What somebody has changed at once.
    public struct Change: Sendable, Hashable {
        /// The number of the thread that did it, in the kernel's first process namespace: that of the process, mostly. 0
        /// when it is not said.
        public var thread: pid_t = 0
        /// The name of its program, cut off after 15 bytes.
        public var program = ""
        /// The tables that it deleted, or deleted something of.
        public var lost: Set<NftablesTable> = []
    }

    /// Readable when there is news.
    public let descriptor: FileDescriptor
    /// The part of a change that was heard so far.
    private var pending: Set<NftablesTable> = []

    /// - Throws: `NetlinkError`.
    public init() throws(NetlinkError) {
        let socket = try NetlinkSocket(.netfilter, groups: 1 << UInt32(NFNLGRP_NFTABLES.rawValue - 1))
        let copy = swl_fcntl(socket.raw, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw NetlinkError("watch the nftables ruleset", .current) }
        descriptor = FileDescriptor(adopting: copy)
    }

    /// Takes what has come, without waiting.
    ///
    /// - Returns: the changes that deleted something, in order; nil when not all could be heard: anything may have
    ///   been deleted.
    public func read() -> [Change]? {
        var changes: [Change] = []
        var isComplete = true
        withUnsafeTemporaryAllocation(byteCount: 64 << 10, alignment: 8) { buffer in
            while true {
                let count = recv(descriptor.raw, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if count > 0 {
                    NetlinkSocket.forEach(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
                        hear(NetlinkReply(message: $0), &changes)
                    }
                    continue
                }
                switch Errno.current {
                case .interrupted: continue
                case Errno(rawValue: ENOBUFS):
                    isComplete = false
                    pending = []
                default: return
                }
            }
        }
        return isComplete ? changes : nil
    }

    private func hear(_ message: NetlinkReply, _ changes: inout [Change]) {
        let kind = UInt32(message.type & 0xFF)
        guard message.type >> 8 == UInt16(NFNL_SUBSYS_NFTABLES), let header = message.header(nfgenmsg.self) else {
            return
        }
        let attributes = message.attributes(after: MemoryLayout<nfgenmsg>.size)
        if kind == NFT_MSG_NEWGEN.rawValue {
            guard !pending.isEmpty else { return }
            changes.append(
                Change(
                    thread: attributes[NFTA_GEN_PROC_PID]?.bigEndian.map { pid_t(bitPattern: $0) } ?? 0,
                    program: attributes[NFTA_GEN_PROC_NAME]?.text ?? "", lost: pending))
            pending = []
            return
        }
        // The table's name is the first attribute of them all.
        let deletions = [NFT_MSG_DELTABLE, NFT_MSG_DELCHAIN, NFT_MSG_DELRULE, NFT_MSG_DELSET, NFT_MSG_DELSETELEM]
        guard deletions.contains(where: { $0.rawValue == kind }), let name = attributes[NFTA_TABLE_NAME]?.text,
            let family = NftablesFamily(rawValue: header.nfgen_family)
        else { return }
        pending.insert(NftablesTable(family, name))
    }
}
