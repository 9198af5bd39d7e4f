/// What an entry's name says before its type does: layers mark what they take away by names that begin with `.wh.`.
enum LayerName: Hashable {
    case ordinary
    /// `.wh.NAME` hides NAME of the layers below.
    case whiteout(ArraySlice<UInt8>)
    /// `.wh..wh..opq` hides everything below its folder.
    case opaque
    /// Book-keeping of aufs (`.wh..wh.plnk` ...).
    case ignored

    private static let mark = Array(".wh.".utf8)
    private static let meta = Array(".wh..wh.".utf8)
    private static let opaqueName = Array(".wh..wh..opq".utf8)

    /// - Throws: `ImageError` with `hostile` for marks that would name the folder itself or its parent, or stand in the
    ///   middle of a path.
    init(_ path: LayerPath) throws(ImageError) {
        // Nearly all paths have no mark: one look tells.
        guard Self.hasMark(path.bytes) else {
            self = .ordinary
            return
        }
        for part in path.parent.split(separator: UInt8(ascii: "/")) where part.starts(with: Self.mark) {
            if part.starts(with: Self.meta) {
                self = .ignored
                return
            }
            throw ImageError(.hostile, "a whiteout that is used as a folder")
        }
        let name = path.name
        if !name.starts(with: Self.mark) {
            self = .ordinary
        } else if name.elementsEqual(Self.opaqueName) {
            self = .opaque
        } else if name.starts(with: Self.meta) {
            self = .ignored
        } else {
            let hidden = name.dropFirst(Self.mark.count)
            let dot = UInt8(ascii: ".")
            guard !hidden.isEmpty, !hidden.elementsEqual([dot]), !hidden.elementsEqual([dot, dot]) else {
                throw ImageError(.hostile, "a whiteout of nothing")
            }
            self = .whiteout(hidden)
        }
    }

    /// Whether a component begins with `.wh.`.
    private static func hasMark(_ path: [UInt8]) -> Bool {
        path.withUnsafeBytes { bytes in
            var atStart = true
            for i in bytes.indices {
                if atStart, bytes[i] == mark[0], bytes[i...].starts(with: mark) { return true }
                atStart = bytes[i] == UInt8(ascii: "/")
            }
            return false
        }
    }
}
