import Base
import CLinux
import CNetlink

/// An interface that is gone, while the kernel still waits until nothing of its own looks at it any more: a grace
/// period of many milliseconds in which nobody else is held up. A short-lived process of ours gets that wait.
public struct LinkRemoval: ~Copyable {
    private let waiting: ChildProcess?

    init(_ waiting: ChildProcess?) { self.waiting = waiting }

    /// Waits for the end of the grace period, and reaps the process. A program that ends soon need not: whoever reaps
    /// its orphans does.
    ///
    /// - Throws: `NetlinkError`.
    public consuming func finish() throws(NetlinkError) {
        do {
            _ = try waiting?.wait(block: true)
        } catch {
            throw NetlinkError("reap the process that removes a link", error.errno)
        }
    }
}

extension RouteSocket {
    /// Removes an interface, with the other end of a veth, from the network namespace of this thread, which must be the
    /// socket's. When this returns, neither end is there.
    ///
    /// Unlike `NetlinkBatch.deleteLink`, it does not wait for the kernel's grace period (see `LinkRemoval`).
    ///
    /// - Throws: `NetlinkError`; none when it was gone already.
    @discardableResult
    public mutating func removeLink(index: Int32) throws(NetlinkError) -> LinkRemoval {
        let request = "delete link number \(index)"
        var monitor = try RouteMonitor()
        let (child, pipe) = try Self.startRemoval(index, request)
        // Not through rtnetlink, whose lock others may hold for long.
        let isGone = try monitor.wait(orReadable: pipe.raw, "the end of link number \(index)") {
            var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
            return if_indextoname(UInt32(bitPattern: index), &name) == nil
        }
        if isGone { return LinkRemoval(child) }
        var code: Int32 = 0
        do {
            var bytes = [UInt8](repeating: 0, count: 4)
            // Without an answer it was killed.
            code =
                try pipe.descriptor.read(into: &bytes) == 4 ? bytes.withUnsafeBytes { $0.load(as: Int32.self) } : EINTR
            _ = try child.wait(block: true)
        } catch {
            throw NetlinkError(request, error.errno)
        }
        let failure = Errno(rawValue: code)
        guard code == 0 || failure == Errno(rawValue: ENODEV) else { throw NetlinkError(request, failure) }
        return LinkRemoval(nil)
    }

    /// The same without waiting for anything: for an interface that goes in any case, as its other end's network namespace
    /// has gone.
    ///
    /// - Throws: `NetlinkError` when it cannot be begun.
    public mutating func beginRemoval(index: Int32) throws(NetlinkError) -> LinkRemoval {
        LinkRemoval(try Self.startRemoval(index, "delete link number \(index)").child)
    }

    /// Has a process of its own ask the kernel; the answer comes out of the pipe.
    private static func startRemoval(
        _ index: Int32, _ request: String
    ) throws(NetlinkError) -> (child: ChildProcess, pipe: SharedDescriptor) {
        var batch = NetlinkBatch(capacity: 256)
        batch.deleteLink(.index(index))
        var pidfd: Int32 = -1
        var answer: Int32 = -1
        let pid = swl_netlink_detached(
            NetlinkSocket.Family.route.rawValue, batch.buffer.baseAddress, batch.used, &pidfd, &answer)
        guard pid > 0 else { throw NetlinkError(request, .current) }
        return (
            ChildProcess(pid: pid, pidfd: SharedDescriptor(FileDescriptor(adopting: pidfd))),
            SharedDescriptor(FileDescriptor(adopting: answer))
        )
    }
}
