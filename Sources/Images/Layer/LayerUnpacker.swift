import Base
import CLinux

/// Unpacks the tar stream of one layer into a folder that overlayfs can use as a lower layer.
///
/// The stream is hostile until its digest has been checked, and honest streams of hostile images stay hostile. So
/// nothing is reached by a path that the kernel resolves freely: folders are opened beneath the layer's root with no
/// link followed, and everything else is made by its last component in such a folder. Needs root; runs on a thread
/// whose umask is 0.
final class LayerUnpacker {
    /// What the stream left to be finished when the layers below are known.
    struct Outcome {
        /// Folders that the layer has entries in but does not describe: they take the attributes of the same folder
        /// below.
        var implied: [LayerPath] = []
        /// Device 0:0 nodes that hide something below.
        var whiteouts: [LayerPath] = []
        /// Bytes of the files.
        var size: Int64 = 0
        /// Extended attributes that were left out.
        var droppedAttributes = 0
        /// A file was replaced by a later entry: what it held is in the stream, but not in the folder.
        var hasReplaced = false
    }

    struct Directory {
        var mode: UInt32
        var uid: UInt32
        var gid: UInt32
        var modified: (seconds: Int64, nanoseconds: Int)
        var xattrs: [(name: [UInt8], value: [UInt8])]
        /// Whether it was made with this mode already.
        var hasMode: Bool
    }

    let root: SharedDescriptor
    let budget: ImportBudget
    let owner = (uid: geteuid(), gid: getegid())
    var outcome = Outcome()
    var directories: [[UInt8]: Directory] = [:]
    var implied: Set<[UInt8]> = []
    var opaque: Set<[UInt8]> = []
    /// Hard links whose target has not come yet.
    private var links: [(path: LayerPath, target: LayerPath)] = []
    /// The folder used last.
    var cachedPath: [UInt8] = []
    var cached: SharedDescriptor?

    /// - Parameter root: the empty folder to unpack into, opened O_DIRECTORY (not O_PATH).
    init(root: SharedDescriptor, budget: ImportBudget) {
        self.root = root
        self.budget = budget
    }

    /// Unpacks the whole stream.
    ///
    /// - Throws: `ImageError`; the folder is then half full and worth nothing.
    func unpack<Source: TarSource>(_ source: Source) throws(ImageError) -> Outcome {
        let budget = self.budget
        var reader = TarReader(source) { () throws(ImageError) in try budget.countEntry() }
        while let entry = try reader.next() {
            do throws(ImageError) {
                try add(entry, &reader)
            } catch {
                throw error.during("entry \"\(escaped(entry.path))\"")
            }
        }
        try reader.drain()
        for link in links {
            guard try makeLink(link.path, to: link.target) else {
                throw ImageError(
                    .hostile,
                    "hard link \"\(escaped(link.path.bytes))\" to \"\(escaped(link.target.bytes))\", which this layer does not have"
                )
            }
        }
        try finish()
        return outcome
    }

    private func add(_ entry: TarEntry, _ reader: inout TarReader<some TarSource>) throws(ImageError) {
        let path = try LayerPath(entry.path, depth: budget.limits.depth)
        // Overlay mounts of another kind (aufs) kept their books in files of this name; they mean nothing here.
        switch try LayerName(path) {
        case .ignored: return
        case .opaque:
            try budget.remember(path.parent.count)
            _ = try parent(of: path)
            opaque.insert(Array(path.parent))
            return
        case .whiteout(let hidden): return try addWhiteout(path.sibling(hidden))
        case .ordinary: break
        }
        if path.isRoot {
            guard entry.kind == .directory else { throw ImageError(.hostile, "the layer's root must be a folder") }
            return try addDirectory(path, entry)
        }
        switch entry.kind {
        case .directory: try addDirectory(path, entry)
        case .file: try addFile(path, entry, &reader)
        case .symbolicLink: try addSymbolicLink(path, entry)
        case .fifo: try addFIFO(path, entry)
        case .hardLink:
            let target = try LayerPath(entry.link, depth: budget.limits.depth)
            if try !makeLink(path, to: target) {
                try budget.remember(path.bytes.count + target.bytes.count)
                links.append((path, target))
            }
        case .characterDevice: try addDevice(path, entry, mode_t(S_IFCHR))
        case .blockDevice: try addDevice(path, entry, mode_t(S_IFBLK))
        }
    }

    // MARK: - Kinds of entries

    private func addFile(
        _ path: LayerPath, _ entry: TarEntry, _ reader: inout TarReader<some TarSource>
    ) throws(ImageError) {
        let folder = try parent(of: path)
        // Set-id bits come after chown, which would take them away.
        let raw = try create(path, folder, asDirectory: false) { name in
            swl_openat(folder.raw, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode_t(entry.mode & 0o777))
        }
        let file = FileDescriptor(adopting: raw)
        if let extents = entry.extents {
            try budget.spend(bytes: max(0, entry.size - entry.storedSize))
            for extent in extents { try copy(&reader, extent.length, to: file, at: extent.offset) }
            try storage { () throws(SystemError) in
                try retrying("ftruncate", "a sparse file") { ftruncate(raw, off_t(entry.size)) }
            }
        } else {
            try copy(&reader, entry.storedSize, to: file, at: nil)
        }
        outcome.size += entry.size
        try describe(file, entry)
    }

    private func copy(
        _ reader: inout TarReader<some TarSource>, _ count: Int64, to file: borrowing FileDescriptor, at start: Int64?
    ) throws(ImageError) {
        var left = count
        var position = start ?? 0
        let raw = file.raw
        while left > 0 {
            var bytes = try reader.content(Int(min(left, 1 << 20)))
            if bytes.isEmpty { throw TarReaderError.truncated }
            left -= Int64(bytes.count)
            while !bytes.isEmpty {
                let n = try storage { () throws(SystemError) in
                    try retrying("write", "a file of the layer") {
                        start == nil
                            ? write(raw, bytes.baseAddress, bytes.count)
                            : pwrite(raw, bytes.baseAddress, bytes.count, off_t(position))
                    }
                }
                position += Int64(n)
                bytes = UnsafeRawBufferPointer(rebasing: bytes[n...])
            }
        }
    }

    private func addDirectory(_ path: LayerPath, _ entry: TarEntry) throws(ImageError) {
        var made = true
        if !path.isRoot {
            let folder = try parent(of: path)
            made = try makeDirectory(path, in: folder, mode: mode_t(entry.mode & 0o777))
        } else {
            made = false
        }
        try budget.remember(entry.xattrs.reduce(path.bytes.count) { $0 + $1.name.count + $1.value.count })
        implied.remove(path.bytes)
        directories[path.bytes] = Directory(
            mode: entry.mode, uid: entry.uid, gid: entry.gid, modified: entry.modified, xattrs: entry.xattrs,
            hasMode: made && entry.mode & 0o7000 == 0)
    }

    private func addSymbolicLink(_ path: LayerPath, _ entry: TarEntry) throws(ImageError) {
        guard !entry.link.isEmpty, entry.link.count < 4096, !entry.link.contains(0) else {
            throw ImageError(.corrupt, "a symbolic link to nowhere")
        }
        let folder = try parent(of: path)
        try create(path, folder, asDirectory: false) { name in
            withCString(entry.link) { symlinkat($0, folder.raw, name) }
        }
        try describe(path, folder, entry)
    }

    private func addFIFO(_ path: LayerPath, _ entry: TarEntry) throws(ImageError) {
        let folder = try parent(of: path)
        try create(path, folder, asDirectory: false) { name in
            mknodat(folder.raw, name, mode_t(S_IFIFO) | mode_t(entry.mode & 0o777), 0)
        }
        try describe(path, folder, entry)
    }

    /// Makes a device node. What may be opened of it decides the container's cgroup; here nobody reaches it.
    private func addDevice(_ path: LayerPath, _ entry: TarEntry, _ kind: mode_t) throws(ImageError) {
        let (major, minor) = entry.device
        guard major != 0 || minor != 0 else {
            throw ImageError(.hostile, "device 0:0, which would hide what is below instead of a whiteout")
        }
        let folder = try parent(of: path)
        try create(path, folder, asDirectory: false) { name in
            mknodat(folder.raw, name, kind | mode_t(entry.mode & 0o777), swl_makedev(major, minor))
        }
        try describe(path, folder, entry)
    }

    /// Makes a hard link; false when its target is not there (yet).
    private func makeLink(_ path: LayerPath, to target: LayerPath) throws(ImageError) -> Bool {
        guard !target.isRoot else { throw ImageError(.hostile, "a hard link to a folder") }
        // First: a folder made for it may take the target's place.
        let folder = try parent(of: path)
        guard let targetFolder = try existingParent(of: target) else { return false }
        guard let status = try status(target.name, in: targetFolder) else { return false }
        if path == target { return true }
        guard !swl_is_dir(status.st_mode), !LayerStack.isWhiteout(status) else {
            throw ImageError(.hostile, "a hard link to what is no file: \"\(escaped(target.bytes))\"")
        }
        try create(path, folder, asDirectory: false) { name in
            withCString(target.name) { linkat(targetFolder.raw, $0, folder.raw, name, 0) }
        }
        return true
    }

    // MARK: - Whiteouts

    /// Hides `path` of the layers below. An entry of this layer stays: a folder then shows nothing of those below it.
    private func addWhiteout(_ path: LayerPath) throws(ImageError) {
        let folder = try parent(of: path)
        try budget.remember(path.bytes.count)
        if let status = try status(path.name, in: folder) {
            if swl_is_dir(status.st_mode) { opaque.insert(path.bytes) }
            return
        }
        try withStorage("mknod") { withCString(path.name) { mknodat(folder.raw, $0, mode_t(S_IFCHR), 0) } }
        outcome.whiteouts.append(path)
    }
}
