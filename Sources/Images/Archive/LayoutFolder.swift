import Base
import CLinux
import Linux

/// An OCI layout that stands in a folder instead of a tar archive. Nothing in it is reached over a symbolic link, and
/// only regular files are opened.
struct LayoutFolder {
    private let root: RootDirectory

    init(_ folder: SharedDescriptor, name: String) {
        root = RootDirectory(folder, name: name)
    }

    /// The file at `path`; nil when there is none.
    ///
    /// - Throws: `ImageError` with `hostile` for a link, a device or a fifo in its place.
    func file(_ path: [UInt8]) throws(ImageError) -> ByteRange? {
        let name = String(decoding: path, as: UTF8.self)
        do throws(SystemError) {
            // Looked at before it is opened: opening a device can do things, and a fifo waits.
            let found = try root.open(name, O_PATH | O_NOFOLLOW, links: .refuse).status(name: name)
            if swl_is_dir(found.st_mode) { return nil }
            if swl_is_regular(found.st_mode) {
                let flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW
                let file = SharedDescriptor(try root.open(name, flags, links: .refuse))
                let status = try file.descriptor.status(name: name)
                if swl_is_regular(status.st_mode) {
                    return ByteRange(file: file, offset: 0, size: Int64(status.st_size))
                }
            }
        } catch {
            switch error.errno {
            case .noEntry, .notDirectory: return nil
            case .loop: break
            default: throw ImageError(error)
            }
        }
        throw ImageError(
            .hostile, "\"\(escaped(path))\" is no regular file, or is reached over a symbolic link; copy the content")
    }
}
