import Base
import CLinux
import JSON

/// What a folder of manifests asks for.
///
/// A file counts as a whole: when its new content is broken, what it asked for before stays, and the problems say why.
/// Only a readable change, or the removal of the file, changes what is wanted. Removal is believed after a moment,
/// because editors replace a file by moving it away first.
public struct ManifestFolder {
    private struct Entry {
        var identity: FileIdentity?
        var contents = ManifestContents()
        var problems: [ManifestProblem] = []
        var goneSince: BootInstant?
        /// It is there, and could not be looked at: nothing will be heard of it when it can be.
        var unreadSince: BootInstant?
    }

    /// How long a file must be gone before its pods are ended.
    public static let removalDelay = Nanoseconds.milliseconds(500)
    /// After how long a file that could not be looked at is looked at again.
    public static let retryDelay = Nanoseconds.seconds(2)

    public let path: String
    private let load: (_ bytes: [UInt8], _ path: String) throws(ManifestRefusal) -> ManifestContents
    private var entries: [String: Entry] = [:]
    private var folderProblem: ManifestProblem?
    /// When the folder itself could not be looked at.
    private var unlistedSince: BootInstant?

    /// - Parameters:
    ///   - lastGood: what each file (by path) asked for when it was last usable, from an earlier run of the agent.
    ///   - load: makes pods, ConfigMaps and Secrets of a file's bytes.
    public init(
        path: String, lastGood: [String: [ManifestPod]] = [:],
        load: @escaping (_ bytes: [UInt8], _ path: String) throws(ManifestRefusal) -> ManifestContents
    ) {
        self.path = path
        self.load = load
        for (file, pods) in lastGood { entries[file] = Entry(contents: ManifestContents(pods: pods)) }
    }

    /// Whether a name is that of a manifest: not a hidden file, and not what editors and people leave behind.
    public static func isManifestName(_ name: String) -> Bool {
        guard !name.hasPrefix("."), !name.hasPrefix("#"), !name.hasSuffix("~") else { return false }
        return name.hasSuffix(".yaml") || name.hasSuffix(".yml") || name.hasSuffix(".json")
    }

    /// Looks at the whole folder. True when what is wanted, or what is wrong, may have changed.
    public mutating func relist(now: BootInstant) -> Bool {
        do {
            try Self.checkOwnership(path)
            let names = try Files.list(path).filter(Self.isManifestName)
            let hadProblem = folderProblem != nil
            folderProblem = nil
            unlistedSince = nil
            return relistFiles(names, now) || hadProblem
        } catch {
            // An unreadable folder is no order to stop anything.
            let why = (error as? ManifestRefusal)?.problems.first?.message ?? "\(error)"
            let problem = ManifestProblem(path: path, message: "not read, its pods stay as they are: \(why)")
            unlistedSince = now
            defer { folderProblem = problem }
            return folderProblem != problem
        }
    }

    private mutating func relistFiles(_ names: [String], _ now: BootInstant) -> Bool {
        var changed = false
        let present = Set(names.map { Path.join(path, $0) })
        for file in present.sorted() where update(file, now: now) { changed = true }
        for file in entries.keys where !present.contains(file) && update(file, now: now) { changed = true }
        return changed
    }

    /// Looks at one file by name, after news of it.
    public mutating func update(name: String, now: BootInstant) -> Bool {
        guard Self.isManifestName(name) else { return false }
        return update(Path.join(path, name), now: now)
    }

    private mutating func update(_ file: String, now: BootInstant) -> Bool {
        var entry = entries[file] ?? Entry()
        defer { if entries[file] != nil || entry.identity != nil || !entry.problems.isEmpty { entries[file] = entry } }
        do throws(SystemError) {
            let opened = try FileDescriptor.open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY)
            let status = try opened.status(name: file)
            entry.goneSince = nil
            entry.unreadSince = nil
            let identity = FileIdentity(status)
            if entry.identity == identity { return false }
            entry.identity = identity
            do throws(ManifestRefusal) {
                try Self.check(status, file)
                let bytes: [UInt8]
                do { bytes = try opened.readAll(limit: 10 << 20, name: file) } catch {
                    // What could not be read is looked at again; what is too large only when it has changed.
                    if error.errno != Errno(rawValue: EFBIG) { (entry.identity, entry.unreadSince) = (nil, now) }
                    throw ManifestRefusal(path: file, "\(error); a manifest may have at most 10 MiB")
                }
                entry.contents = try load(bytes, file)
                entry.problems = []
            } catch {
                entry.problems = error.problems
            }
            return true
        } catch {
            guard error.errno == .noEntry else {
                entry.unreadSince = now
                let problem = ManifestProblem(path: file, message: "\(error)")
                defer { entry.problems = [problem] }
                return entry.problems != [problem]
            }
            entry.unreadSince = nil
            if entry.goneSince == nil, entries[file] != nil {
                entry.goneSince = now
                entry.identity = nil
            }
            return false
        }
    }

    /// Forgets files that have been gone long enough, and looks again at what could not be looked at. True when
    /// something changed.
    public mutating func settle(now: BootInstant) -> Bool {
        var changed = false
        if let unlistedSince, unlistedSince + Self.retryDelay <= now { changed = relist(now: now) }
        for (file, entry) in entries where entry.unreadSince.map({ $0 + Self.retryDelay <= now }) == true {
            if update(file, now: now) { changed = true }
        }
        let gone = entries.filter {
            now.nanoseconds - ($0.value.goneSince ?? now).nanoseconds >= Self.removalDelay.count
        }
        for file in gone.keys { entries[file] = nil }
        return changed || !gone.isEmpty
    }

    /// When `settle` is to be called next; nil when there is no need.
    public var nextSettle: BootInstant? {
        let files = entries.values.compactMap { entry in
            entry.goneSince.map { $0 + Self.removalDelay } ?? entry.unreadSince.map { $0 + Self.retryDelay }
        }
        return (files + [unlistedSince.map { $0 + Self.retryDelay }].compactMap { $0 }).min()
    }

    /// What the files ask for now, and everything that is wrong.
    public func report() -> SourceReport {
        let files = entries.sorted { $0.key < $1.key }
        return SourceReport(
            claims: files.map { SourceReport.Claim(place: $0.key, contents: $0.value.contents) },
            problems: [folderProblem].compactMap { $0 } + files.flatMap(\.value.problems))
    }

    // MARK: - Who may tell this node what to run

    private static func checkOwnership(_ folder: String) throws(ManifestRefusal) {
        let status: stat
        do throws(SystemError) {
            status = try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY).status(name: folder)
        } catch {
            throw ManifestRefusal(path: folder, "\(error)")
        }
        try check(status, folder, isFolder: true)
    }

    private static func check(_ status: stat, _ path: String, isFolder: Bool = false) throws(ManifestRefusal) {
        if !isFolder, !swl_is_regular(status.st_mode) {
            throw ManifestRefusal(path: path, "not a regular file; a manifest must be one")
        }
        if status.st_uid != 0 && status.st_uid != geteuid() {
            throw ManifestRefusal(
                path: path, "owned by user \(status.st_uid); whoever may write it runs pods as root: chown root it")
        }
        if status.st_mode & 0o022 != 0 {
            throw ManifestRefusal(
                path: path,
                "may be written by others than its owner (mode \(String(status.st_mode & 0o7777, radix: 8))); "
                    + "whoever may write it runs pods as root: chmod go-w it")
        }
    }
}

/// What tells one content of a file from another without reading it.
struct FileIdentity: Hashable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var modified: Int64
    var changed: Int64

    init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        changed = Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
    }
}
