import Base
import CLinux
import OCI

/// Puts a layer's tar stream together again, of its outline and its unpacked files.
struct LayerReplay {
    let folder: String
    let outline: String
    let depth = ImageLimits().depth

    /// Gives the stream to `sink`, in pieces that are valid during the call.
    ///
    /// - Parameter expected: the digest that the stream must have.
    /// - Throws: `ImageError`; `corrupt` when files of the layer are not what they were. What `sink` got is worth
    ///   nothing then.
    func run(
        _ expected: ImageDigest, _ sink: @escaping (UnsafeRawBufferPointer) throws(ImageError) -> Void
    ) throws(ImageError) {
        let root = try storage { () throws(SystemError) in
            SharedDescriptor(try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
        }
        let source = try OutlineSource(path: outline)
        let sum = try StreamSum(expected.algorithm)
        source.sink = { bytes throws(ImageError) in
            sum.update(bytes)
            try sink(bytes)
        }
        var reader = TarReader(source) { () throws(ImageError) in }
        while let entry = try reader.next() {
            guard entry.kind == .file, entry.storedSize > 0, try source.isAtContent() else { continue }
            let path = try LayerPath(entry.path, depth: depth)
            do throws(ImageError) {
                let file = try open(path, root)
                let status = try storage { () throws(SystemError) in try file.descriptor.status() }
                guard swl_is_regular(status.st_mode), Int64(status.st_size) == entry.size else {
                    throw ImageError(
                        .corrupt, "it has \(status.st_size) bytes, and had \(entry.size) when it was unpacked")
                }
                source.attach(file, size: entry.size, extents: entry.extents)
            } catch {
                throw error.during("file \"\(escaped(path.bytes))\"")
            }
        }
        try reader.drain()
        let actual = try sum.finish()
        guard actual == expected else {
            throw ImageError(
                .corrupt, "the content of its files has changed: the tar stream has digest \(actual), not \(expected)")
        }
    }

    private func open(_ path: LayerPath, _ root: SharedDescriptor) throws(ImageError) -> SharedDescriptor {
        let flags = UInt64(O_RDONLY | O_NONBLOCK | O_NOCTTY)
        let raw = withCString(path.bytes) { swl_openat2(root.raw, $0, flags, 0, LayerUnpacker.resolve) }
        if raw >= 0 { return SharedDescriptor(FileDescriptor(adopting: raw)) }
        let error = Errno.current
        if error == .noEntry || error == .notDirectory || error == .loop {
            throw ImageError(.corrupt, "it is missing")
        }
        throw ImageError(SystemError("openat2", "a file of the layer", error))
    }
}
