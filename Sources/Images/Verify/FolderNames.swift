import Base
import CLinux

/// Names in a folder of a layer, as the bytes they are: they need not be UTF-8.
enum FolderNames {
    /// Without `.` and `..`, in no order.
    static func list(
        _ folder: SharedDescriptor, _ display: String
    ) throws(ImageError) -> [(name: [UInt8], isFolder: Bool)] {
        try storage { () throws(SystemError) in
            let copy = try folder.descriptor.duplicate().release()
            guard let stream = fdopendir(copy) else {
                let error = Errno.current
                _ = close(copy)
                throw SystemError("fdopendir", display, error)
            }
            defer { closedir(stream) }
            rewinddir(stream)
            var names: [(name: [UInt8], isFolder: Bool)] = []
            while let entry = readdir(stream) {
                let isFolder = Int32(entry.pointee.d_type) == Int32(DT_DIR)
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: UInt8.self, capacity: 256) {
                        Array(UnsafeBufferPointer(start: $0, count: strnlen($0, 255)))
                    }
                }
                if name != [0x2E], name != [0x2E, 0x2E] { names.append((name, isFolder)) }
            }
            return names
        }
    }
}
