import Base
import CLinux

/// The last touches of an unpacked layer, which need the layers below it.
struct LayerFinisher {
    let layer: SharedDescriptor
    let below: LayerStack

    /// Gives folders that the layer does not describe the attributes of those below, and takes away whiteouts that hide
    /// nothing (a folder that only one layer has is not merged, and would list them).
    ///
    /// - Returns: whether the result depends on the layers below, so that it must not be shared with other stacks.
    /// - Throws: `ImageError` with `hostile` when the layer reaches through a symbolic link of a layer below.
    func finish(_ outcome: LayerUnpacker.Outcome) throws(ImageError) -> Bool {
        var depends = !outcome.implied.isEmpty
        for path in outcome.whiteouts {
            if case .directory = try below.find(path.parent), !below.layers.isEmpty { continue }
            try removeWhiteout(path)
            depends = true
        }
        for path in outcome.implied {
            guard let folder = try open(path.bytes[...]) else { continue }
            switch try below.find(path.bytes) {
            case .directory(let model): try copyAttributes(from: model, to: folder)
            case .link:
                throw ImageError(
                    .hostile,
                    "the layer puts entries into \"\(escaped(path.bytes))\", which is a symbolic link in a layer below")
            case .nothing, .other: try setTimes(folder, timespec(tv_sec: 0, tv_nsec: 0))
            }
        }
        return depends
    }

    private func removeWhiteout(_ path: LayerPath) throws(ImageError) {
        guard let folder = try open(path.parent) else { return }
        let before = try storage { () throws(SystemError) in try folder.descriptor.status() }
        if withCString(path.name, { unlinkat(folder.raw, $0, 0) }) != 0 {
            let error = Errno.current
            // A layer may have it twice.
            if error == .noEntry { return }
            throw ImageError(SystemError("unlink", "a whiteout of the layer", error))
        }
        try setTimes(folder, before.st_mtim)
    }

    private func open(_ path: ArraySlice<UInt8>) throws(ImageError) -> SharedDescriptor? {
        let name = path.isEmpty ? [UInt8(ascii: ".")] : path
        let raw = withCString(name) {
            swl_openat2(layer.raw, $0, UInt64(O_RDONLY | O_DIRECTORY), 0, LayerUnpacker.resolve)
        }
        if raw >= 0 { return SharedDescriptor(FileDescriptor(adopting: raw)) }
        let error = Errno.current
        if error == .noEntry || error == .notDirectory || error == .loop { return nil }
        throw ImageError(SystemError("openat2", "a folder of the layer", error))
    }

    private func setTimes(_ folder: SharedDescriptor, _ time: timespec) throws(ImageError) {
        try storage { () throws(SystemError) in
            try retrying("futimens", "a folder of the layer") { futimens(folder.raw, [time, time]) }
        }
    }

    private func copyAttributes(from model: SharedDescriptor, to folder: SharedDescriptor) throws(ImageError) {
        let status = try storage { () throws(SystemError) in try model.descriptor.status() }
        try storage { () throws(SystemError) in
            try retrying("chown", "a folder of the layer") { fchown(folder.raw, status.st_uid, status.st_gid) }
            try retrying("chmod", "a folder of the layer") { fchmod(folder.raw, status.st_mode & 0o7777) }
        }
        for name in try attributeNames(of: model) where !name.starts(with: Array("trusted.overlay.".utf8)) {
            var value = [UInt8](repeating: 0, count: 65536)
            let count = withCString(name) { fgetxattr(model.raw, $0, &value, value.count) }
            guard count >= 0, withCString(name, { fsetxattr(folder.raw, $0, value, count, 0) }) == 0 else {
                throw ImageError(SystemError("copy attribute \(escaped(name)) to", "a folder of the layer"))
            }
        }
        try setTimes(folder, status.st_mtim)
    }

    private func attributeNames(of folder: SharedDescriptor) throws(ImageError) -> [[UInt8]] {
        var list = [CChar](repeating: 0, count: 65536)
        let count = flistxattr(folder.raw, &list, list.count)
        if count < 0 {
            let error = Errno.current
            if error == .notSupported { return [] }
            throw ImageError(SystemError("listxattr", "a folder of a layer", error))
        }
        return list.prefix(count).split(separator: 0).map { $0.map { UInt8(bitPattern: $0) } }
    }
}
