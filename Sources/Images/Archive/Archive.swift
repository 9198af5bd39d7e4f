import JSON

/// The table of contents of an image archive: one pass over the tar headers, then everything is read where it stands.
/// Or an OCI layout's folder, whose files are opened as they are asked for.
struct Archive {
    enum Member {
        case file(ByteRange)
        /// A symbolic or hard link: the target as an absolute list of components.
        case link([[UInt8]])
    }

    private(set) var members: [[UInt8]: Member] = [:]
    /// Where the members are when it is no tar archive.
    private let folder: LayoutFolder?
    let limits: ImageLimits
    private let documents: DocumentBudget
    /// Whether the end mark is there. Without it, what is missing may still be on its way.
    let isComplete: Bool

    /// Reads the headers.
    ///
    /// - Parameter range: the uncompressed archive.
    /// - Throws: `ImageError`: `hostile` for members outside the archive's own folder and devices, `truncated`.
    init(_ range: ByteRange, limits: ImageLimits) throws(ImageError) {
        self.limits = limits
        folder = nil
        documents = DocumentBudget(limits.documentsBytes)
        let source = RangeSource(range)
        var count = 0
        var reader = TarReader(source) { () throws(ImageError) in
            count += 1
            if count > limits.members * 3 {
                throw ImageError(.tooLarge, "the archive has more than \(limits.members) members")
            }
        }
        while let entry = try Self.next(&reader, isFirst: count == 0) {
            let path = try LayerPath(entry.path, depth: limits.depth)
            guard members.count < limits.members else {
                throw ImageError(.tooLarge, "the archive has more than \(limits.members) members")
            }
            switch entry.kind {
            case .directory, .fifo: continue
            case .characterDevice, .blockDevice:
                throw ImageError(.hostile, "member \"\(escaped(entry.path))\" is a device node")
            case .file:
                guard entry.extents == nil else {
                    throw ImageError(.unsupported, "member \"\(escaped(entry.path))\" is stored as a sparse file")
                }
                let start = source.position
                guard entry.size <= range.size - start else {
                    throw ImageError(.truncated, "the archive ends inside \"\(escaped(entry.path))\"")
                }
                // Two documents of one name would mean different things to different readers.
                if members[path.bytes] != nil, !path.bytes.contains(UInt8(ascii: "/")) {
                    throw ImageError(.hostile, "member \"\(escaped(entry.path))\" comes twice")
                }
                members[path.bytes] = .file(
                    ByteRange(file: range.file, offset: range.offset + start, size: entry.size))
            case .symbolicLink: members[path.bytes] = Self.link(from: path.parent, to: entry.link)
            case .hardLink: members[path.bytes] = Self.link(from: [], to: entry.link)
            }
        }
        isComplete = reader.sawMark
    }

    /// The files of a folder.
    init(_ folder: LayoutFolder, limits: ImageLimits) {
        self.limits = limits
        self.folder = folder
        documents = DocumentBudget(limits.documentsBytes)
        isComplete = true
    }

    private static func next(_ reader: inout TarReader<RangeSource>, isFirst: Bool) throws(ImageError) -> TarEntry? {
        do throws(ImageError) {
            return try reader.next()
        } catch  where isFirst && error.reason == .corrupt {
            throw ImageError(.notAnArchive, "the file is no tar archive")
        }
    }

    /// Whether a member of this name is there.
    func contains(_ name: String) throws(ImageError) -> Bool { try file(Array(name.utf8)) != nil }

    /// Nil (a link that leads nowhere) when the target is absolute or leaves the archive. Nothing is written by these
    /// names: a bad link is only an error when a document points at it.
    private static func link(from folder: some Collection<UInt8>, to target: [UInt8]) -> Member {
        let slash = UInt8(ascii: "/")
        if target.first == slash { return .link([]) }
        var parts = folder.split(separator: slash).map { Array($0) }
        for part in target.split(separator: slash) {
            if part.elementsEqual([UInt8(ascii: ".")]) { continue }
            if part.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) {
                if parts.popLast() == nil { return .link([]) }
            } else {
                parts.append(Array(part))
            }
        }
        return .link(parts)
    }

    /// The file at `path`, links followed; nil when there is none.
    func file(_ path: [UInt8]) throws(ImageError) -> ByteRange? {
        if let folder { return try folder.file(path) }
        var path = path
        for _ in 0..<10 {
            switch members[path] {
            case .file(let range): return range
            case .link(let parts): path = Array(parts.joined(separator: [UInt8(ascii: "/")]))
            case nil: return nil
            }
        }
        return nil
    }

    /// The file that a document names.
    ///
    /// - Throws: `ImageError` with `notFound`.
    func required(_ name: String) throws(ImageError) -> ByteRange {
        let path = try LayerPath(Array(name.utf8), depth: limits.depth)
        guard let range = try file(path.bytes) else {
            throw ImageError(
                isComplete ? .notFound : .truncated, "the archive names \"\(escaped(name))\" but does not contain it")
        }
        return range
    }

    /// A small file's bytes.
    func document(_ name: String) throws(ImageError) -> [UInt8] {
        try read(try required(name), "\"\(escaped(name))\"")
    }

    /// The bytes of a document. All documents together are bounded: many small manifests may name one big config.
    func read(_ range: ByteRange, _ name: String) throws(ImageError) -> [UInt8] {
        documents.left -= min(range.size, Int64(limits.documentBytes))
        guard documents.left >= 0 else {
            throw ImageError(.tooLarge, "the documents of the archive have more than \(limits.documentsBytes) bytes")
        }
        return try range.readAll(limit: limits.documentBytes, name)
    }

    /// Parses a document.
    func parse<T>(_ bytes: [UInt8], _ name: String, _ convert: (JSONValue) throws(JSONError) -> T) throws(ImageError)
        -> T
    {
        do throws(JSONError) {
            let limit = JSONParser.Limits(bytes: limits.documentBytes, depth: limits.documentDepth)
            return try convert(try JSONParser.parse(bytes, limits: limit))
        } catch {
            throw ImageError(.corrupt, "\(escaped(name)): \(escaped("\(error)"))")
        }
    }
}

/// What may still be read of documents.
private final class DocumentBudget {
    var left: Int64
    init(_ bytes: Int) { left = Int64(bytes) }
}
