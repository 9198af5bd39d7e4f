import Base
import CLinux
import JSON

/// The watched folder of image tarballs: tells which files are to be loaded now.
///
/// A file counts as complete when its writer closed it or it was moved in; what an import then finds truncated or wrong
/// is kept as a failure and tried again when the file changes. What was loaded is remembered by device, inode, size and
/// time. Used from one thread, the event loop's.
public final class ImportFolder {
    /// A file to load.
    public struct Candidate: Hashable, Sendable {
        public var path: String
        public var name: String
        /// What the file was when it was found.
        public var identity: FileIdentity
    }

    /// A file that cannot be loaded as it is.
    public struct Failure: Hashable, Sendable {
        public var path: String
        public var error: ImageError
    }

    public let path: String
    private let ledgerFile: String
    private var ledger = ImportLedger()
    private var failed: [String: (identity: FileIdentity, error: ImageError)] = [:]
    private var queue: [String] = []
    private var inProgress: Set<String> = []
    /// How often loading a file failed for a reason that may pass by itself.
    private var attempts: [String: Int64] = [:]

    private let loop: EventLoop?
    private var inotify: SharedDescriptor?
    private var watch: EventLoop.Token?
    private var changed: () -> Void = {}

    /// - Parameters:
    ///   - path: the folder; made when missing.
    ///   - ledger: the file that remembers what was loaded.
    public init(path: String, ledger: String, loop: EventLoop? = nil) throws(ImageError) {
        self.path = path
        ledgerFile = ledger
        self.loop = loop
        try storage { () throws(SystemError) in try Files.makeDirectories(path, mode: 0o700) }
        do {
            let bytes = try Files.read(ledger)
            self.ledger = try ImportLedger(try JSONParser.parse(bytes))
        } catch let error as SystemError where error.errno == .noEntry {
        } catch {
            throw ImageError(.corrupt, "\(ledger): \(error); remove the file to load the folder's archives again")
        }
    }

    /// Watches the folder and looks through it. `changed` is called on the loop whenever `next` may give something.
    public func start(_ changed: @escaping () -> Void) throws(ImageError) {
        self.changed = changed
        if let loop {
            try storage { () throws(SystemError) in
                let descriptor = SharedDescriptor(
                    FileDescriptor(
                        adopting: try retrying("inotify_init1", path) {
                            inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
                        }))
                let mask = UInt32(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE) | UInt32(IN_ONLYDIR)
                try retrying("inotify_add_watch", path) { inotify_add_watch(descriptor.raw, path, mask) }
                inotify = descriptor
                watch = try loop.watch(descriptor.descriptor, for: .readable) { [weak self] _ in self?.readEvents() }
            }
        }
        try rescan()
        if !queue.isEmpty { changed() }
    }

    public func stop() {
        if let watch { loop?.unwatch(watch) }
        (watch, inotify) = (nil, nil)
    }

    /// Looks through the whole folder: at the start, after an overflow of events, and as a slow net.
    public func rescan() throws(ImageError) {
        let names = try storage { () throws(SystemError) in try Files.list(path) }
        let present = Set(names)
        failed = failed.filter { present.contains($0.key) }
        queue.removeAll { !present.contains($0) }
        for name in names { consider(name) }
        // Names that are gone are forgotten when something else is written down.
        ledger.files = ledger.files.filter { present.contains($0.key) }
    }

    /// The next file to load, nil when there is none. It is not given again before `finish`.
    public func next() -> Candidate? {
        while let name = queue.first {
            queue.removeFirst()
            guard !inProgress.contains(name), let identity = identity(of: name), isNew(name, identity) else { continue }
            inProgress.insert(name)
            return Candidate(path: Path.join(path, name), name: name, identity: identity)
        }
        return nil
    }

    /// Says how loading a candidate went: the ids of its images, or why not.
    public func finish(_ candidate: Candidate, _ result: Result<[String], ImageError>) throws(ImageError) {
        inProgress.remove(candidate.name)
        // Written to while it was read: what was loaded (or refused) is not what stands there now.
        guard let now = identity(of: candidate.name), now == candidate.identity else { return consider(candidate.name) }
        switch result {
        case .success(let images):
            (failed[candidate.name], attempts[candidate.name]) = (nil, nil)
            ledger.files[candidate.name] = ImportLedger.Record(identity: candidate.identity, images: images)
            let bytes = JSONWriter().bytes(ledger.json)
            try storage { () throws(SystemError) in try Files.replace(ledgerFile, with: bytes, durable: true) }
        case .failure(let error):
            failed[candidate.name] = (candidate.identity, error)
            if error.isTransient { scheduleRetry(of: candidate.name) }
        }
    }

    /// Forgets failures that may pass by themselves (a full disk), so that `next` gives their files again at once. With
    /// a loop they are tried again by themselves.
    public func retryTransient() {
        for (name, failure) in failed where failure.error.isTransient {
            failed[name] = nil
            consider(name)
        }
    }

    /// Tries again after half a minute, then after twice the time, at most a quarter of an hour.
    private func scheduleRetry(of name: String) {
        guard let loop else { return }
        let count = attempts[name] ?? 0
        attempts[name] = min(count + 1, 5)
        loop.schedule(after: min(.seconds(30 << count), .seconds(900))) { [weak self] in
            guard let self, failed[name]?.error.isTransient == true else { return }
            failed[name] = nil
            consider(name)
            if !queue.isEmpty { changed() }
        }
    }

    /// Ids of the images that came of files which are still there.
    public var presentImages: Set<String> {
        Set(ledger.files.filter { identity(of: $0.key) != nil }.flatMap(\.value.images))
    }

    /// Files that cannot be loaded as they are, by name.
    public var failures: [Failure] {
        failed.sorted { $0.key < $1.key }.map { Failure(path: Path.join(path, $0.key), error: $0.value.error) }
    }

    /// Whether a file name is that of an archive being written by common tools, or an editor's or download's leftover.
    static func isIgnored(_ name: String) -> Bool {
        name.hasPrefix(".") || name.hasSuffix("~")
            || [".part", ".partial", ".tmp", ".swp", ".crdownload", ".filepart", ".bak"].contains {
                name.hasSuffix($0)
            }
    }

    // MARK: -

    private func identity(of name: String) -> FileIdentity? {
        guard let file = try? FileDescriptor.open(Path.join(path, name), O_PATH | O_NOFOLLOW),
            let status = try? file.status(), swl_is_regular(status.st_mode)
        else { return nil }
        return FileIdentity(status)
    }

    private func isNew(_ name: String, _ identity: FileIdentity) -> Bool {
        ledger.files[name]?.identity != identity && failed[name]?.identity != identity
    }

    private func consider(_ name: String) {
        guard !Self.isIgnored(name), !queue.contains(name), !inProgress.contains(name),
            let identity = identity(of: name),
            isNew(name, identity)
        else { return }
        queue.append(name)
    }

    private func readEvents() {
        guard let inotify else { return }
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        var wantsRescan = false
        while true {
            let count = buffer.withUnsafeMutableBytes { (try? inotify.descriptor.read(into: $0)) ?? 0 }
            if count == 0 { break }
            var i = 0
            while i + 16 <= count {
                func word(_ at: Int) -> UInt32 {
                    (0..<4).reduce(0) { $0 | UInt32(buffer[at + $1]) << (8 * UInt32($1)) }
                }
                let mask = word(i + 4)
                let length = Int(word(i + 12))
                guard i + 16 + length <= count else { break }
                let name = String(decoding: buffer[(i + 16)..<(i + 16 + length)].prefix { $0 != 0 }, as: UTF8.self)
                i += 16 + length
                if mask & UInt32(IN_Q_OVERFLOW) != 0 {
                    wantsRescan = true
                } else if mask & UInt32(IN_DELETE | IN_MOVED_FROM) != 0 {
                    failed[name] = nil
                    queue.removeAll { $0 == name }
                } else {
                    consider(name)
                }
            }
        }
        if wantsRescan { try? rescan() }
        if !queue.isEmpty { changed() }
    }
}
