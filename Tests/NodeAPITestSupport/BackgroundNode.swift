import Base
import CLinux
import NodeAPI
import Synchronization
import TestSupport

/// A fake agent with its API on a thread of its own, for clients that block. Its root is a folder that goes with it.
public final class BackgroundNode: Sendable {
    private struct State {
        var wake: WakeHandle?
        var failure: String?
        var shouldStop = false
        var thread: pthread_t?
        var work: [@Sendable (FakeNode) -> Void] = []
    }

    public let folder: TemporaryDirectory
    private let state = Mutex(State())

    /// - Parameter prepare: fills the node before it is served; called on its thread.
    public init(_ prepare: @escaping @Sendable (FakeNode, _ root: String) -> Void = { _, _ in }) throws {
        folder = try TemporaryDirectory()
        try Files.makeDirectories(folder.path + "/run/swiftlet")
        var ends: [Int32] = [-1, -1]
        try retrying("pipe2", "a fake agent") { pipe2(&ends, O_CLOEXEC) }
        let ready = FileDescriptor(adopting: ends[0])
        let told = SharedDescriptor(FileDescriptor(adopting: ends[1]))
        let thread = try Threads.start("a fake agent") { [self] in
            serve(prepare) { _ = try? told.descriptor.writeAll([0]) }
        }
        state.withLock { $0.thread = thread }
        var byte: UInt8 = 0
        while CLinux.read(ready.raw, &byte, 1) < 0, Errno.current == .interrupted {}
        if let failure = state.withLock({ $0.failure }) { throw Failed(description: failure) }
    }

    /// Runs `work` on the node's thread, soon.
    public func perform(_ work: @escaping @Sendable (FakeNode) -> Void) {
        state.withLock { $0.work.append(work) }
        state.withLock { $0.wake }?.wake()
    }

    /// Ends the agent and waits for it.
    public func stop() {
        state.withLock { $0.shouldStop = true }
        state.withLock { $0.wake }?.wake()
        let thread = state.withLock { state -> pthread_t? in
            defer { state.thread = nil }
            return state.thread
        }
        if let thread { pthread_join(thread, nil) }
        try? Files.removeTree(folder.path)
    }

    private struct Failed: Error, CustomStringConvertible { let description: String }

    /// - Parameter isReady: called once it can be asked, or has failed.
    private func serve(_ prepare: (FakeNode, String) -> Void, isReady: () -> Void) {
        do {
            let loop = try EventLoop()
            let node = FakeNode(loop: loop)
            node.imageUploadFolder = folder.path
            prepare(node, folder.path)
            let server = try NodeAPIServer(
                loop: loop, path: folder.path + "/run/swiftlet/swiftlet.sock", service: node)
            loop.onWake { [self] in
                let (work, shouldStop) = state.withLock { state in
                    defer { state.work = [] }
                    return (state.work, state.shouldStop)
                }
                for item in work { item(node) }
                if shouldStop { loop.stop() }
            }
            state.withLock { $0.wake = loop.wakeHandle }
            isReady()
            try loop.run()
            server.close()
            // The handler holds this node and is held by the loop: without it all goes, and the folder with it.
            loop.onWake {}
        } catch {
            state.withLock { $0.failure = "\(error)" }
            isReady()
        }
    }
}
