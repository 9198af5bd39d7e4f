import Base
import CLinux

/// The files of a container's log folder: `<attempt>.log`, and what it was before it was rotated,
/// `<attempt>.log.<mark>`.
enum LogFiles {
    /// A file that is open: rotation renames it, and changes nothing for who reads it.
    final class Segment {
        let file: FileDescriptor
        let inode: UInt64

        init(_ file: consuming FileDescriptor, inode: UInt64) {
            self.file = file
            self.inode = inode
        }

        /// Bytes in the file now.
        func size() throws(SystemError) -> Int64 { Int64(try file.status(name: "log file").st_size) }
    }

    /// The files of one attempt, oldest first; empty when there is none yet.
    static func segments(folder: String, attempt: Int) throws(SystemError) -> [Segment] {
        let current = "\(attempt).log"
        // The current file first: when it is rotated meanwhile it is found again under its new name, and known by its
        // inode; the other way round it would be missed.
        let last = try open(folder, current)
        var old: [(segment: Segment, modified: (Int, Int))] = []
        let names: [String]
        do throws(SystemError) { names = try Files.list(folder) } catch {
            if error.errno == .noEntry { return [] }
            throw error
        }
        for name in names where isRotated(name, current) {
            guard let segment = try open(folder, name), segment.inode != last?.inode else { continue }
            let time = try segment.file.status(name: name).st_mtim
            old.append((segment, (time.tv_sec, time.tv_nsec)))
        }
        let sorted = old.sorted { $0.modified < $1.modified }.map(\.segment)
        return last.map { sorted + [$0] } ?? sorted
    }

    /// The file of `attempt` that follows the one with `inode`; nil when that is the newest.
    static func next(after inode: UInt64, folder: String, attempt: Int) throws(SystemError) -> Segment? {
        var status = stat()
        if fstatat(AT_FDCWD, Path.join(folder, "\(attempt).log"), &status, 0) == 0, UInt64(status.st_ino) == inode {
            return nil
        }
        let all = try segments(folder: folder, attempt: attempt)
        // A file that is gone was older than all that are left.
        guard let index = all.firstIndex(where: { $0.inode == inode }) else { return all.first }
        return index + 1 < all.count ? all[index + 1] : nil
    }

    private static func isRotated(_ name: String, _ current: String) -> Bool {
        name.hasPrefix(current + ".") && !name.hasSuffix(".gz") && !name.hasSuffix(".tmp")
    }

    private static func open(_ folder: String, _ name: String) throws(SystemError) -> Segment? {
        let path = Path.join(folder, name)
        do throws(SystemError) {
            let file = try FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let status = try file.status(name: path)
            guard swl_is_regular(status.st_mode) else { return nil }
            return Segment(file, inode: UInt64(status.st_ino))
        } catch {
            if error.errno == .noEntry { return nil }
            throw error
        }
    }
}
