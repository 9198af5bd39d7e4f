import Base
import CLinux

/// The file of one container's log and its rotated generations. It takes whole lines. What it cannot write is dropped
/// and counted, and a line in the log says so as soon as writing works again; nothing here fails or waits.
///
/// The current file and its rotated ones never take more than `maximumFiles` × `maximumBytes` together (one write of at
/// most `Scratch.outputSize` bytes counts as fitting an empty file).
final class LogFile {
    private let path: String
    private let folderPath: String
    private let name: String
    private let maximumBytes: Int64
    private let maximumFiles: Int
    private var folder: SharedDescriptor
    private var file: SharedDescriptor?
    private var size: Int64 = 0
    private var brokenLine = false
    private var lastStamp = ""
    private var sameStamp = 0

    /// Lines dropped since the log last said so.
    private(set) var droppedLines: Int64 = 0
    /// Lines dropped in all.
    private(set) var totalDroppedLines: Int64 = 0
    private(set) var dropReason = ""

    /// Opens the log, appending to an existing one.
    ///
    /// - Throws: `SystemError` when the folder cannot be opened or something else than a regular file stands at the
    ///   path. A full or failing disk is no error: lines are dropped until it works.
    init(path: String, maximumBytes: Int64, maximumFiles: Int64) throws(SystemError) {
        self.path = path
        folderPath = Path.parent(path)
        name = Path.name(path)
        self.maximumBytes = max(maximumBytes, 4096)
        self.maximumFiles = Int(clamping: max(maximumFiles, 1))
        folder = SharedDescriptor(try .open(folderPath, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
        do {
            try openFile()
        } catch {
            guard Self.isTransient(error.errno) else { throw error }
            dropReason = error.errno.description
        }
    }

    /// Conditions of the disk that end without anybody changing the request.
    private static func isTransient(_ errno: Errno) -> Bool {
        [ENOSPC, EDQUOT, EIO, EROFS, ENFILE, EMFILE, ENOMEM].contains(errno.rawValue)
    }

    private func openFile() throws(SystemError) {
        let opened = try folder.descriptor.open(
            at: name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode: 0o640)
        let status = try opened.status(name: path)
        guard swl_is_regular(status.st_mode) else { throw SystemError("open the log", path, .invalid) }
        size = Int64(status.st_size)
        file = SharedDescriptor(opened)
    }

    /// Writes whole lines, each ended by a newline.
    func write(_ lines: UnsafeRawBufferPointer) {
        guard !lines.isEmpty else { return }
        guard makeRoom(for: lines.count), droppedLines == 0 || writeNotice() else {
            return drop(Self.countLines(lines), dropReason)
        }
        let written = append(lines)
        if written < lines.count {
            drop(Self.countLines(UnsafeRawBufferPointer(rebasing: lines[written...])), dropReason)
        }
    }

    /// Tries to tell of dropped lines; false when there is nothing to write to yet.
    func retry() -> Bool { droppedLines == 0 || (makeRoom(for: 256) && writeNotice()) }

    private func drop(_ lines: Int64, _ reason: String) {
        droppedLines += lines
        totalDroppedLines += lines
        dropReason = reason
    }

    static func countLines(_ bytes: UnsafeRawBufferPointer) -> Int64 {
        var lines: Int64 = 0
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty, let end = memchr(base, 0x0A, rest.count) {
            lines += 1
            rest = UnsafeRawBufferPointer(rebasing: rest[(end - UnsafeMutableRawPointer(mutating: base) + 1)...])
        }
        return lines
    }

    private func writeNotice() -> Bool {
        let lines = droppedLines == 1 ? "1 line was" : "\(droppedLines) lines were"
        let start = brokenLine ? "\n" : ""
        let text =
            start + String(decoding: Timestamp.now.rfc3339Nano, as: UTF8.self)
            + " stderr F [swiftlet] \(lines) dropped here: the log could not be written: \(dropReason)\n"
        let bytes = Array(text.utf8)
        guard bytes.withUnsafeBytes({ append($0) == $0.count }) else { return false }
        brokenLine = false
        droppedLines = 0
        return true
    }

    /// Appends lines; the number of bytes that are in the file, always up to the end of a line.
    private func append(_ lines: UnsafeRawBufferPointer) -> Int {
        guard let file else { return 0 }
        var written = 0
        while written < lines.count {
            let count = CLinux.write(file.raw, lines.baseAddress?.advanced(by: written), lines.count - written)
            if count > 0 {
                written += count
            } else {
                let error = count == 0 ? Errno.noSpace : Errno.current
                if error == .interrupted { continue }
                dropReason = error.description
                break
            }
        }
        if written < lines.count {
            // Half a line is taken back, or ended before the next one when even that fails.
            let whole = lines[..<written].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            if whole < written, ftruncate(file.raw, off_t(size) + off_t(whole)) != 0 {
                brokenLine = true
            } else {
                written = whole
            }
            size += Int64(written)
            return whole
        }
        size += Int64(written)
        return written
    }

    /// A file with room for `count` bytes more.
    private func makeRoom(for count: Int) -> Bool {
        if file == nil {
            do { try openFile() } catch {
                dropReason = error.errno.description
                return reopenFolder()
            }
        }
        if size == 0 || size + Int64(count) <= maximumBytes { return true }
        return rotate()
    }

    private func rotate() -> Bool {
        guard let file else { return false }
        var status = stat()
        if fstat(file.raw, &status) == 0 {
            // Somebody emptied or removed the file.
            if status.st_nlink == 0 {
                self.file = nil
                return reopenFolder()
            }
            size = Int64(status.st_size)
            if size == 0 { return true }
        }
        let rotated = nextRotatedName()
        let raw = folder.raw
        if maximumFiles > 1, renameat(raw, name, raw, rotated) == 0 {
            self.file = nil
            removeOldest()
            do { try openFile() } catch {
                dropReason = error.errno.description
                return false
            }
            return true
        }
        // The bound holds also where nothing can be renamed: the file starts anew.
        if ftruncate(file.raw, 0) == 0 {
            size = 0
            return true
        }
        dropReason = Errno.current.description
        return false
    }

    /// The folder was removed under us: made anew, as the log must be found at its path.
    private func reopenFolder() -> Bool {
        do {
            try Files.makeDirectories(folderPath)
            folder = SharedDescriptor(try .open(folderPath, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
            try openFile()
            return true
        } catch {
            dropReason = error.errno.description
            return false
        }
    }

    /// `<name>.<YYYYMMDD-HHMMSS>`, with `-0001`, `-0002` … for further rotations in a second; it sorts by age.
    private func nextRotatedName() -> String {
        let digits = Timestamp.now.rfc3339.utf8.filter { $0 >= 0x30 && $0 <= 0x39 }
        let stamp = String(decoding: digits.prefix(8) + [UInt8(ascii: "-")] + digits.dropFirst(8), as: UTF8.self)
        if stamp > lastStamp {
            lastStamp = stamp
            sameStamp = 0
        } else {
            sameStamp += 1
        }
        while true {
            let number = String(10_000 + sameStamp).dropFirst()
            let candidate = sameStamp == 0 ? "\(name).\(lastStamp)" : "\(name).\(lastStamp)-\(number)"
            var status = stat()
            if fstatat(folder.raw, candidate, &status, AT_SYMLINK_NOFOLLOW) != 0 || sameStamp >= 9999 {
                return candidate
            }
            sameStamp += 1
        }
    }

    /// Keeps the newest `maximumFiles - 1` rotated files, whoever rotated or compressed them.
    private func removeOldest() {
        let prefix = name + "."
        guard let names = try? Files.list(folderPath) else { return }
        let rotated = names.filter { $0.hasPrefix(prefix) }
        for name in rotated.dropLast(maximumFiles - 1) { unlinkat(folder.raw, name, 0) }
    }
}
