import Base
import CLinux

/// Calls back when something of a folder, or of the folders in it, may have changed: also when it is made, removed or
/// replaced by another, with the two folders that it stands in.
@LoopActor
final class FolderPathWatch {
    private let loop: EventLoop
    private let path: String
    private let changed: () -> Void
    private var inotify: SharedDescriptor?
    private var token: EventLoop.Token?
    private var timer: EventLoop.Token?
    /// By watch, the only name that matters; nil for all.
    private var names: [Int32: String?] = [:]

    /// A file is often written in several steps.
    private static let delay = Nanoseconds.milliseconds(20)

    init(_ loop: EventLoop, _ path: String, _ changed: @escaping () -> Void) {
        self.loop = loop
        self.path = path
        self.changed = changed
    }

    /// Begins to watch what there is now.
    ///
    /// - Throws: `SystemError` where nothing can be watched.
    func start() throws(SystemError) {
        stop()
        let descriptor = SharedDescriptor(
            FileDescriptor(
                adopting: try retrying("inotify_init1", path) { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) }))
        inotify = descriptor
        token = try loop.watch(descriptor.descriptor, for: .readable) { [weak self] _ in self?.drain() }
        let contents = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB
        // Of a folder that is made or replaced those above tell: the nearest two that there are.
        var (child, parent, missing) = (Path.name(path), Path.parent(path), 2)
        while missing > 0 {
            if add(parent, only: child, IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) { missing -= 1 }
            guard parent != "/", parent != "." else { break }
            (child, parent) = (Path.name(parent), Path.parent(parent))
        }
        guard add(path, only: nil, contents | IN_DELETE_SELF | IN_MOVE_SELF) else { return }
        for name in (try? Files.list(path)) ?? [] where Files.isDirectory(Path.join(path, name)) {
            _ = add(Path.join(path, name), only: nil, contents)
        }
    }

    func stop() {
        if let token { loop.unwatch(token) }
        if let timer { loop.cancel(timer) }
        (token, timer, inotify, names) = (nil, nil, nil, [:])
    }

    private func add(_ path: String, only name: String?, _ mask: Int32) -> Bool {
        guard let inotify else { return false }
        let watch = inotify_add_watch(inotify.raw, path, UInt32(mask | IN_ONLYDIR))
        guard watch >= 0 else { return false }
        names[watch] = .some(name)
        return true
    }

    private func drain() {
        guard let inotify else { return }
        var isRelevant = false
        var buffer = [UInt8](repeating: 0, count: 4096)
        let header = MemoryLayout<inotify_event>.size
        while case let count = read(inotify.raw, &buffer, buffer.count), count > 0 {
            var offset = 0
            while offset + header <= count {
                let event = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: inotify_event.self) }
                let end = min(offset + header + Int(event.len), count)
                let name = String(decoding: buffer[offset + header..<end].prefix { $0 != 0 }, as: UTF8.self)
                offset = end
                if let wanted = names[event.wd], let wanted, !name.isEmpty, name != wanted { continue }
                isRelevant = true
            }
        }
        guard isRelevant, timer == nil else { return }
        timer = loop.schedule(after: Self.delay) { [weak self] in
            guard let self else { return }
            // What there is to be watched may be another now. It is looked at afterwards: nothing is missed.
            try? start()
            changed()
        }
    }
}
