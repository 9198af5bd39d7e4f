import Base
import CLinux

/// Watches a `ManifestFolder` on an event loop: inotify for news within milliseconds, and a slow re-list as a net.
public final class FolderWatcher: PodSource {
    /// How often the folder is listed though nothing was heard.
    public static let relistInterval = Nanoseconds.seconds(60)

    private var folder: ManifestFolder
    private let loop: EventLoop
    public var onReport: (SourceReport) -> Void = { _ in }
    private let inotify: FileDescriptor
    private var watch: Int32?
    private var token: EventLoop.Token?
    private var settleTimer: EventLoop.Token?
    private var relistTimer: EventLoop.Token?

    public init(_ folder: ManifestFolder, on loop: EventLoop) throws(SystemError) {
        self.folder = folder
        self.loop = loop
        inotify = FileDescriptor(
            adopting: try retrying("inotify_init1", folder.path) {
                inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
            })
    }

    /// Reports what is there now, and from then on every change.
    public func start() throws(SystemError) {
        token = try loop.watch(inotify, for: .readable) { [unowned self] _ in drain() }
        // Watched before listed: what happens in between is heard.
        addWatch()
        _ = folder.relist(now: .now)
        publish()
        // What was there when the agent last ran and is not now is believed to be gone after the same short while.
        scheduleSettle()
        scheduleRelist()
    }

    public func stop() {
        if let token { loop.unwatch(token) }
        for timer in [settleTimer, relistTimer] { if let timer { loop.cancel(timer) } }
        (token, settleTimer, relistTimer) = (nil, nil, nil)
        onReport = { _ in }
    }

    public func refresh() {
        if watch == nil { addWatch() }
        if folder.relist(now: .now) { publish() }
        scheduleSettle()
    }

    private func scheduleRelist() {
        relistTimer = loop.schedule(after: watch == nil ? .seconds(2) : Self.relistInterval) { [unowned self] in
            refresh()
            scheduleRelist()
        }
    }

    private func addWatch() {
        let mask = UInt32(
            IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF
                | IN_ONLYDIR)
        let result = inotify_add_watch(inotify.raw, folder.path, mask)
        watch = result >= 0 ? result : nil
    }

    private func drain() {
        var names: Set<String> = []
        var mustRelist = false
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = buffer.withUnsafeMutableBytes { CLinux.read(inotify.raw, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            var offset = 0
            let header = MemoryLayout<inotify_event>.size
            while offset + header <= count {
                let event = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
                let end = min(offset + header + Int(event.len), count)
                let name = buffer[offset + header..<end].prefix { $0 != 0 }
                if event.mask & UInt32(IN_Q_OVERFLOW) != 0 { mustRelist = true }
                if event.mask & UInt32(IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT) != 0 {
                    watch = nil
                    mustRelist = true
                } else if name.isEmpty {
                    mustRelist = true
                } else {
                    names.insert(String(decoding: name, as: UTF8.self))
                }
                offset = end
            }
        }
        var changed = false
        if mustRelist {
            if watch == nil { addWatch() }
            changed = folder.relist(now: .now)
        }
        for name in names.sorted() where folder.update(name: name, now: .now) { changed = true }
        if changed { publish() }
        scheduleSettle()
    }

    /// Ends the pods of removed files once their removal has lasted.
    private func scheduleSettle() {
        guard settleTimer == nil, let deadline = folder.nextSettle else { return }
        settleTimer = loop.schedule(at: deadline) { [unowned self] in
            settleTimer = nil
            if folder.settle(now: .now) { publish() }
            scheduleSettle()
        }
    }

    private func publish() { onReport(folder.report()) }
}
