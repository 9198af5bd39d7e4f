import Base
import CLinux

/// What overlayfs would show of unpacked layers, without mounting them.
struct LayerStack {
    enum Found {
        case nothing
        /// Opened O_RDONLY.
        case directory(SharedDescriptor)
        case link
        case other
    }

    /// The folders of the layers, the topmost first.
    var layers: [SharedDescriptor]

    /// What stands at `path` (clean and relative; empty for the root).
    func find(_ path: some Collection<UInt8>) throws(ImageError) -> Found {
        let parts = path.split(separator: UInt8(ascii: "/"))
        for layer in layers {
            switch try find(parts, in: layer) {
            case .passes: continue
            case .ends(let found): return found
            }
        }
        return .nothing
    }

    private enum Step {
        /// Nothing here; the layers below decide.
        case passes
        case ends(Found)
    }

    private func find(_ parts: [some Collection<UInt8>], in layer: SharedDescriptor) throws(ImageError) -> Step {
        var folder = layer
        var isOpaque = false
        for (depth, part) in parts.enumerated() {
            var status = stat()
            if withCString(part, { fstatat(folder.raw, $0, &status, AT_SYMLINK_NOFOLLOW) }) != 0 {
                let error = Errno.current
                guard error == .noEntry else { throw ImageError(SystemError("stat", "a layer", error)) }
                return isOpaque ? .ends(.nothing) : .passes
            }
            if Self.isWhiteout(status) { return .ends(.nothing) }
            guard swl_is_dir(status.st_mode) else {
                let isLast = depth == parts.count - 1
                return .ends(
                    isLast && !swl_is_symlink(status.st_mode) ? .other : swl_is_symlink(status.st_mode) ? .link : .other
                )
            }
            let raw = withCString(part) { swl_openat(folder.raw, $0, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0) }
            if raw < 0 { throw ImageError(SystemError("open", "a folder of a layer")) }
            folder = SharedDescriptor(FileDescriptor(adopting: raw))
            if Self.isOpaque(folder) { isOpaque = true }
        }
        return .ends(.directory(folder))
    }

    /// overlayfs' mark that there is nothing: a character device 0:0.
    static func isWhiteout(_ status: stat) -> Bool { swl_is_char(status.st_mode) && status.st_rdev == 0 }

    /// Whether nothing below this folder of a layer shows.
    static func isOpaque(_ folder: SharedDescriptor) -> Bool {
        var value: UInt8 = 0
        return fgetxattr(folder.raw, "trusted.overlay.opaque", &value, 1) == 1 && value == UInt8(ascii: "y")
    }
}
