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
        var hasEnded = false
        var work: [@Sendable (FakeNode) -> Void] = []
    }

    public let folder: TemporaryDirectory
    private let state = Mutex(State())

    /// - Parameter prepare: fills the node before it is served; called on its thread.
    public init(_ prepare: @escaping @Sendable (FakeNode, _ root: String) -> Void = { _, _ in }) throws {
        folder = try TemporaryDirectory()
        try Files.makeDirectories(folder.path + "/run/swiftlet")
        let box = Unmanaged.passRetained(Start(node: self, prepare: prepare))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { argument in
                if let argument {
                    let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                    start.node.serve(start.prepare)
                }
                return nil
            }, box.toOpaque())
        guard result == 0 else {
            box.release()
            throw SystemError("pthread_create", "fake agent", Errno(rawValue: result))
        }
        pthread_detach(thread)
        while state.withLock({ $0.wake == nil && $0.failure == nil }) { usleep(500) }
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
        while !state.withLock({ $0.hasEnded }) { usleep(500) }
        try? Files.removeTree(folder.path)
    }

    private final class Start: Sendable {
        let node: BackgroundNode
        let prepare: @Sendable (FakeNode, String) -> Void
        init(node: BackgroundNode, prepare: @escaping @Sendable (FakeNode, String) -> Void) {
            self.node = node
            self.prepare = prepare
        }
    }

    private struct Failed: Error, CustomStringConvertible { let description: String }

    private func serve(_ prepare: (FakeNode, String) -> Void) {
        defer { state.withLock { $0.hasEnded = true } }
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
            try loop.run()
            server.close()
            // The handler holds this node and is held by the loop: without it all goes, and the folder with it.
            loop.onWake {}
        } catch {
            state.withLock { $0.failure = "\(error)" }
        }
    }
}
