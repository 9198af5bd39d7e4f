/// A path inside a layer: relative, without `.`, `..` and empty components. Bytes, not text: layers may name files as
/// they like.
struct LayerPath: Hashable {
    /// `usr/bin/env`; empty for the layer's root.
    let bytes: [UInt8]
    /// Where the last component begins.
    private let nameStart: Int

    /// - Throws: `ImageError` with `hostile` for a path that would leave the layer, `corrupt` for one that no Linux
    ///   system can have.
    init(_ raw: [UInt8], depth limit: Int) throws(ImageError) {
        func refuse(_ reason: ImageError.Reason, _ why: String) -> ImageError {
            ImageError(reason, "path \"\(escaped(raw))\" \(why)")
        }
        guard raw.count < 4096 else { throw refuse(.corrupt, "is longer than 4095 bytes") }
        // Some builders write the root as "/"; any other absolute path is an attempt.
        if raw.first == UInt8(ascii: "/"), raw.contains(where: { $0 != UInt8(ascii: "/") }) {
            throw refuse(.hostile, "is absolute")
        }
        var clean: [UInt8] = []
        clean.reserveCapacity(raw.count)
        var start = 0
        var depth = 0
        let (slash, dot) = (UInt8(ascii: "/"), UInt8(ascii: "."))
        var next = 0
        while next < raw.count {
            let part = raw[next...].prefix { $0 != slash }
            next = part.endIndex + 1
            if part.isEmpty || part.count == 1 && part.first == dot { continue }
            if part.count == 2 && part.first == dot && part.last == dot { throw refuse(.hostile, "contains \"..\"") }
            if part.contains(0) { throw refuse(.corrupt, "contains a NUL byte") }
            if part.count > 255 { throw refuse(.corrupt, "has a component longer than 255 bytes") }
            if !clean.isEmpty { clean.append(slash) }
            start = clean.count
            clean.append(contentsOf: part)
            depth += 1
        }
        guard depth <= limit else { throw refuse(.tooLarge, "is deeper than \(limit) folders") }
        bytes = clean
        nameStart = start
    }

    private init(bytes: [UInt8], nameStart: Int) {
        self.bytes = bytes
        self.nameStart = nameStart
    }

    /// An entry of a folder whose path is clean.
    init(_ folder: [UInt8], _ name: some Collection<UInt8>) {
        let prefix = folder.isEmpty ? [] : folder + [UInt8(ascii: "/")]
        self.init(bytes: prefix + Array(name), nameStart: prefix.count)
    }

    var isRoot: Bool { bytes.isEmpty }
    var name: ArraySlice<UInt8> { bytes[nameStart...] }
    /// Empty for entries of the root.
    var parent: ArraySlice<UInt8> { bytes[..<(nameStart == 0 ? 0 : nameStart - 1)] }

    /// The same folder with another last component.
    func sibling(_ name: some Collection<UInt8>) -> LayerPath {
        LayerPath(bytes: Array(bytes[..<nameStart]) + Array(name), nameStart: nameStart)
    }

    /// Whether one of the folders above, the root too, satisfies `test`.
    func hasAncestor(_ test: ([UInt8]) -> Bool) -> Bool {
        if test([]) { return true }
        for (i, byte) in bytes.enumerated() where byte == UInt8(ascii: "/") {
            if test(Array(bytes[..<i])) { return true }
        }
        return false
    }
}

/// Calls `body` with the bytes as a C string.
func withCString<R>(_ bytes: some Collection<UInt8>, _ body: (UnsafePointer<CChar>) -> R) -> R {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: bytes.count + 1) { buffer in
        var i = 0
        for byte in bytes {
            buffer[i] = CChar(bitPattern: byte)
            i += 1
        }
        buffer[i] = 0
        // Never empty: it holds at least the terminator.
        return body(UnsafePointer(buffer.baseAddress.unsafelyUnwrapped))
    }
}
