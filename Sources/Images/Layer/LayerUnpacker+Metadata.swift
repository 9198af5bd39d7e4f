import Base
import CLinux

/// Owners, modes, times and attributes.
extension LayerUnpacker {
    /// The attributes of a file that was just made: owner first, because it takes set-id bits and capabilities away.
    func describe(_ file: borrowing FileDescriptor, _ entry: TarEntry) throws(ImageError) {
        let raw = file.raw
        if entry.uid != owner.uid || entry.gid != owner.gid {
            try withStorage("chown") { fchown(raw, entry.uid, entry.gid) }
        }
        if entry.mode & 0o7000 != 0 { try withStorage("chmod") { fchmod(raw, mode_t(entry.mode)) } }
        try setAttributes(entry.xattrs, on: raw)
        try setTimes(raw, entry.modified)
    }

    /// The attributes of a link or fifo, which are not opened.
    func describe(_ path: LayerPath, _ folder: SharedDescriptor, _ entry: TarEntry) throws(ImageError) {
        if entry.uid != owner.uid || entry.gid != owner.gid {
            try withStorage("chown") {
                withCString(path.name) { fchownat(folder.raw, $0, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) }
            }
        }
        outcome.droppedAttributes += entry.xattrs.count
        var times = Self.times(entry.modified)
        try withStorage("utimensat") {
            withCString(path.name) { utimensat(folder.raw, $0, &times, AT_SYMLINK_NOFOLLOW) }
        }
    }

    private static func times(_ modified: (seconds: Int64, nanoseconds: Int)) -> [timespec] {
        let time = timespec(tv_sec: Int(modified.seconds), tv_nsec: modified.nanoseconds)
        return [time, time]
    }

    private func setTimes(_ raw: Int32, _ modified: (seconds: Int64, nanoseconds: Int)) throws(ImageError) {
        let times = Self.times(modified)
        try withStorage("futimens") { futimens(raw, times) }
    }

    /// Sets the attributes that mean the same on every machine: file capabilities and the owner's own. Those that steer
    /// overlayfs or the host's security modules are left out.
    private func setAttributes(_ xattrs: [(name: [UInt8], value: [UInt8])], on raw: Int32) throws(ImageError) {
        for (name, value) in xattrs {
            guard Self.isPortable(name) else {
                outcome.droppedAttributes += 1
                continue
            }
            let result = withCString(name) { fsetxattr(raw, $0, value, value.count, 0) }
            if result == 0 { continue }
            let error = Errno.current
            // A file system without attributes of users (tmpfs) still carries the image; capabilities must not be lost.
            if error == .notSupported, name.starts(with: Array("user.".utf8)) {
                outcome.droppedAttributes += 1
                continue
            }
            let failure = ImageError(SystemError("setxattr \(escaped(name)) on", "a file of the layer", error))
            // A value that no file system takes is the image's fault, not the store's.
            let isWrong = error == .invalid || error == .tooBig || error == .range
            throw isWrong ? ImageError(.corrupt, failure.message) : failure
        }
    }

    static func isPortable(_ name: [UInt8]) -> Bool {
        guard name.count <= 255, !name.contains(0) else { return false }
        let overlay = [Array("trusted.overlay.".utf8), Array("user.overlay.".utf8)]
        if overlay.contains(where: { name.starts(with: $0) }) { return false }
        return name == Array("security.capability".utf8) || name.starts(with: Array("user.".utf8))
            || name.starts(with: Array("trusted.".utf8))
    }

    // MARK: - After the last entry

    /// What can only be done when no entry can come any more: whiteouts that an opaque folder makes pointless go, and
    /// folders get their attributes, the time last.
    func finish() throws(ImageError) {
        cached = nil
        var whiteouts: [LayerPath] = []
        for path in outcome.whiteouts {
            guard let folder = try existingParent(of: path), let status = try status(path.name, in: folder),
                LayerStack.isWhiteout(status)
            else { continue }
            if path.hasAncestor(opaque.contains) {
                // Listed in a folder that is not merged, it would show.
                try withStorage("unlink") { withCString(path.name) { unlinkat(folder.raw, $0, 0) } }
            } else {
                whiteouts.append(path)
            }
        }
        outcome.whiteouts = whiteouts

        for path in opaque where directories[path] == nil {
            try withFolder(path) { raw throws(ImageError) in try Self.markOpaque(raw) }
        }
        for (path, directory) in directories {
            try withFolder(path) { raw throws(ImageError) in
                if opaque.contains(path) { try Self.markOpaque(raw) }
                try apply(directory, to: raw)
            }
        }
        // A root that the layer does not describe is the same on every machine.
        if directories[[]] == nil { try withFolder([]) { raw throws(ImageError) in try setTimes(raw, (0, 0)) } }
        for path in implied {
            let entry = try LayerPath(path, depth: budget.limits.depth)
            if opaque.contains(path) || entry.hasAncestor(opaque.contains) {
                // Nothing below it shows: there is nobody to take attributes from.
                try withFolder(path) { raw throws(ImageError) in try setTimes(raw, (0, 0)) }
            } else {
                outcome.implied.append(entry)
            }
        }
        // Upper folders first: their attributes do not depend on those inside.
        outcome.implied.sort { $0.bytes.count < $1.bytes.count }
    }

    /// Opens a folder of the layer; nothing when a later entry replaced it.
    private func withFolder(_ path: [UInt8], _ body: (Int32) throws(ImageError) -> Void) throws(ImageError) {
        let flags = UInt64(O_RDONLY | O_DIRECTORY)
        let name = path.isEmpty ? [UInt8(ascii: ".")] : path
        let raw = withCString(name) { swl_openat2(root.raw, $0, flags, 0, Self.resolve) }
        if raw < 0 {
            let error = Errno.current
            if error == .noEntry || error == .notDirectory || error == .loop { return }
            throw ImageError(SystemError("openat2", "a folder of the layer", error))
        }
        let folder = FileDescriptor(adopting: raw)
        try body(folder.raw)
    }

    private static func markOpaque(_ raw: Int32) throws(ImageError) {
        try storage { () throws(SystemError) in
            try retrying("setxattr", "an opaque folder of the layer") {
                fsetxattr(raw, "trusted.overlay.opaque", "y", 1, 0)
            }
        }
    }

    private func apply(_ directory: Directory, to raw: Int32) throws(ImageError) {
        if directory.uid != owner.uid || directory.gid != owner.gid {
            try withStorage("chown") { fchown(raw, directory.uid, directory.gid) }
        }
        if !directory.hasMode { try withStorage("chmod") { fchmod(raw, mode_t(directory.mode)) } }
        try setAttributes(directory.xattrs, on: raw)
        try setTimes(raw, directory.modified)
    }
}
