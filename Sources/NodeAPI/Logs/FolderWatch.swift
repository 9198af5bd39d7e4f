import Base
import CLinux

/// Calls back when a file of a folder was written, made or renamed: for a log that is followed.
final class FolderWatch {
    private let inotify: FileDescriptor
    private let loop: EventLoop
    private var token: EventLoop.Token?

    /// - Throws: `SystemError`; ENOENT when the folder is not there yet.
    init(_ loop: EventLoop, _ path: String, _ changed: @escaping () -> Void) throws(SystemError) {
        self.loop = loop
        let raw = try retrying("inotify_init1", path) { inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK)) }
        inotify = FileDescriptor(adopting: raw)
        let mask = UInt32(IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR)
        try retrying("inotify_add_watch", path) { inotify_add_watch(raw, path, mask) }
        token = try loop.watch(inotify, for: .readable) { [weak self] _ in
            self?.drain()
            changed()
        }
    }

    deinit { if let token { loop.unwatch(token) } }

    /// What happened does not matter: the files are looked at.
    private func drain() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while read(inotify.raw, &buffer, buffer.count) > 0 {}
    }
}
