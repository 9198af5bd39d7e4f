import CLinux

/// What a folder takes on its file system.
public struct DiskUsage: Hashable, Sendable {
    /// Blocks, in bytes.
    public var bytes: UInt64 = 0
    public var inodes: UInt64 = 0

    public init() {}

    public static func + (a: DiskUsage, b: DiskUsage) -> DiskUsage {
        var sum = a
        sum.bytes &+= b.bytes
        sum.inodes &+= b.inodes
        return sum
    }

    /// How deep a tree is followed, one descriptor a level, and how many entries are counted.
    private static let maximumDepth = 64
    private static let mostEntries = 2_000_000

    /// Counts a tree without following links or crossing a mount; a file with several names counts once. What a
    /// container has made too deep or too wide is counted up to there. A folder that is not there takes nothing.
    /// Blocks.
    public static func of(_ path: String) -> DiskUsage {
        var count = Count()
        guard let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
            let status = try? folder.status(name: path)
        else { return DiskUsage() }
        count.add(status)
        count.walk(folder, depth: 0)
        return count.usage
    }

    private struct Count {
        private struct File: Hashable {
            var device: UInt64
            var inode: UInt64
        }

        var usage = DiskUsage()
        private var linked: Set<File> = []

        mutating func add(_ status: stat) {
            if !swl_is_dir(status.st_mode), status.st_nlink > 1 {
                let file = File(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
                guard linked.insert(file).inserted else { return }
            }
            usage.bytes &+= UInt64(clamping: status.st_blocks) &* 512
            usage.inodes &+= 1
        }

        mutating func walk(_ folder: borrowing FileDescriptor, depth: Int) {
            guard let copy = try? folder.duplicate().release() else { return }
            guard let stream = fdopendir(copy) else {
                _ = CLinux.close(copy)
                return
            }
            defer { closedir(stream) }
            let dot = UInt8(ascii: ".")
            while usage.inodes < UInt64(DiskUsage.mostEntries), let entry = readdir(stream) {
                var status = stat()
                var below: Int32 = -1
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { name in
                        let bytes = UnsafeRawPointer(name)
                        let first = bytes.load(as: UInt8.self)
                        let isSelf = first == dot && strlen(name) == 1
                        if isSelf || first == dot && strcmp(name, "..") == 0 { return }
                        guard fstatat(folder.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return }
                        if swl_is_dir(status.st_mode) {
                            below = swl_openat2(
                                folder.raw, name, UInt64(O_RDONLY | O_DIRECTORY | O_NOFOLLOW), 0,
                                UInt64(RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH))
                            // Another file system, or gone.
                            if below < 0 { return }
                        }
                        add(status)
                    }
                }
                guard below >= 0 else { continue }
                let child = FileDescriptor(adopting: below)
                if depth < DiskUsage.maximumDepth { walk(child, depth: depth + 1) }
            }
        }
    }
}
