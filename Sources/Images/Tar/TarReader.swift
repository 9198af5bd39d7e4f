/// Reads a tar stream of any dialect in use (v7, ustar, GNU, PAX) entry by entry.
struct TarReader<Source: TarSource> {
    /// Most bytes of one extended header or long name.
    private let extensionLimit: Int64 = 1 << 20

    let source: Source
    /// Called for every header block, so that the caller can bound their number.
    private let countHeader: () throws(ImageError) -> Void
    private var unread: Int64 = 0
    private var padding: Int64 = 0
    private(set) var atEnd = false
    /// Whether the archive ended with its mark, and not just with the last entry.
    private(set) var sawMark = false

    init(_ source: Source, countHeader: @escaping () throws(ImageError) -> Void) {
        self.source = source
        self.countHeader = countHeader
    }

    /// Content of the current entry that has not been read.
    var remaining: Int64 { unread }

    /// The next piece of the current entry's content; empty after its end.
    mutating func content(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer {
        if unread == 0 { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let bytes = try source.content(Int(min(Int64(max), unread)))
        if bytes.isEmpty { throw TarReaderError.truncated }
        unread -= Int64(bytes.count)
        return bytes
    }

    /// Passes over what is left of the current entry and reads the next one; nil at the end of the archive.
    mutating func next() throws(ImageError) -> TarEntry? {
        if atEnd { return nil }
        try source.skip(unread + padding)
        (unread, padding) = (0, 0)

        var pax: TarPAX?
        var longPath: [UInt8]?
        var longLink: [UInt8]?
        while true {
            guard let block = try block() else {
                if pax != nil || longPath != nil || longLink != nil { throw TarReaderError.truncated }
                atEnd = true
                return nil
            }
            if TarHeader.isZero(block) {
                // Two zero blocks end an archive; writers exist that put one, or none.
                if let second = try self.block(), !TarHeader.isZero(second) {
                    throw TarReaderError.corrupt("data after an end-of-archive block")
                }
                (atEnd, sawMark) = (true, true)
                return nil
            }
            try countHeader()
            let header = try TarHeader(block)
            switch header.type {
            case UInt8(ascii: "x"): pax = try TarPAX(try payload(of: header))
            case UInt8(ascii: "g"): _ = try payload(of: header)
            case UInt8(ascii: "L"): longPath = Array(try payload(of: header).prefix { $0 != 0 })
            case UInt8(ascii: "K"): longLink = Array(try payload(of: header).prefix { $0 != 0 })
            default: return try entry(header, pax, longPath, longLink)
            }
        }
    }

    /// Reads on to the end of the stream: what follows the last entry belongs to the digest too.
    func drain() throws(ImageError) {
        while try !source.next(1 << 20).isEmpty {}
    }

    private func block() throws(ImageError) -> [UInt8]? {
        var block: [UInt8] = []
        block.reserveCapacity(TarHeader.blockSize)
        while block.count < TarHeader.blockSize {
            let bytes = try source.next(TarHeader.blockSize - block.count)
            if bytes.isEmpty {
                if block.isEmpty { return nil }
                throw TarReaderError.truncated
            }
            block.append(contentsOf: bytes)
        }
        return block
    }

    private func payload(of header: TarHeader) throws(ImageError) -> [UInt8] {
        let size = try header.number(124, 12, "size")
        guard size >= 0, size <= extensionLimit else {
            throw ImageError(.tooLarge, "a tar extension header of \(size) bytes; at most \(extensionLimit) are read")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(size))
        while bytes.count < Int(size) {
            let piece = try source.next(Int(size) - bytes.count)
            if piece.isEmpty { throw TarReaderError.truncated }
            bytes.append(contentsOf: piece)
        }
        try source.skip(Self.padding(size))
        return bytes
    }

    private static func padding(_ size: Int64) -> Int64 { (512 - size % 512) % 512 }

    private mutating func entry(
        _ header: TarHeader, _ pax: TarPAX?, _ longPath: [UInt8]?, _ longLink: [UInt8]?
    ) throws(ImageError) -> TarEntry {
        var entry = TarEntry()
        entry.path = pax?.value("path").map { Array($0) } ?? longPath ?? header.path
        entry.link = pax?.value("linkpath").map { Array($0) } ?? longLink ?? header.text(157, 100)
        entry.mode = UInt32(truncatingIfNeeded: try header.number(100, 8, "mode")) & 0o7777
        entry.uid = try Self.identity(try Self.number(pax, "uid", header, 108, 8), "uid")
        entry.gid = try Self.identity(try Self.number(pax, "gid", header, 116, 8), "gid")
        if let modified = try pax?.time("mtime") {
            entry.modified = modified
        } else {
            entry.modified = (try header.number(136, 12, "mtime"), 0)
        }
        let size = try Self.number(pax, "size", header, 124, 12)
        guard size >= 0, size <= Int64.max - 1024 else { throw TarReaderError.corrupt("size out of range") }
        entry.xattrs = pax?.xattrs ?? []

        switch header.type {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"):
            // Before POSIX a directory was a file whose name ends in a slash.
            entry.kind = entry.path.last == UInt8(ascii: "/") ? .directory : .file
        case UInt8(ascii: "S"): entry.kind = .file
        case UInt8(ascii: "1"): entry.kind = .hardLink
        case UInt8(ascii: "2"): entry.kind = .symbolicLink
        case UInt8(ascii: "3"), UInt8(ascii: "4"):
            entry.kind = header.type == UInt8(ascii: "3") ? .characterDevice : .blockDevice
            entry.device = try Self.device(header)
        case UInt8(ascii: "5"): entry.kind = .directory
        case UInt8(ascii: "6"): entry.kind = .fifo
        default:
            throw ImageError(
                .unsupported, "tar entry \"\(escaped(entry.path))\" of unknown type 0x\(String(header.type, radix: 16))"
            )
        }
        // Only files have content, whatever the size field of the others says.
        entry.storedSize = entry.kind == .file ? size : 0
        entry.size = entry.storedSize
        unread = entry.storedSize
        padding = Self.padding(entry.storedSize)
        if entry.kind == .file {
            if header.type == UInt8(ascii: "S") {
                try readGNUSparse(header, &entry)
            } else if let pax {
                try readPAXSparse(pax, &entry)
            }
        }
        return entry
    }

    /// A number of the extended header, else of the header itself.
    private static func number(
        _ pax: TarPAX?, _ key: StaticString, _ header: TarHeader, _ offset: Int, _ length: Int
    ) throws(ImageError) -> Int64 {
        if let number = try pax?.number(key) { return number }
        return try header.number(offset, length, "\(key)")
    }

    private static func device(_ header: TarHeader) throws(ImageError) -> (major: UInt32, minor: UInt32) {
        let (major, minor) = (try header.number(329, 8, "device"), try header.number(337, 8, "device"))
        // As many bits as the kernel has for them.
        guard major >= 0, major < 1 << 12, minor >= 0, minor < 1 << 20 else {
            throw TarReaderError.corrupt("device \(major):\(minor) out of range")
        }
        return (UInt32(major), UInt32(minor))
    }

    private static func identity(_ value: Int64, _ name: String) throws(ImageError) -> UInt32 {
        // -1 means "leave it" to chown.
        guard value >= 0, value < Int64(UInt32.max) else {
            throw TarReaderError.corrupt("\(name) \(value) out of range")
        }
        return UInt32(value)
    }
}

// MARK: - Sparse files

extension TarReader {
    private static var extentLimit: Int { 65536 }

    /// GNU's old form: four extents in the header, more in blocks after it.
    private mutating func readGNUSparse(_ header: TarHeader, _ entry: inout TarEntry) throws(ImageError) {
        var extents: [TarEntry.Extent] = []
        func take(_ header: TarHeader, _ start: Int, _ count: Int) throws(ImageError) {
            for i in 0..<count {
                let at = start + i * 24
                if header.block[at] == 0 { return }
                extents.append(
                    TarEntry.Extent(
                        offset: try header.number(at, 12, "sparse offset"),
                        length: try header.number(at + 12, 12, "sparse length")))
            }
        }
        try take(header, 386, 4)
        entry.size = try header.number(483, 12, "sparse size")
        var more = header.block[482] != 0
        while more {
            guard let block = try block() else { throw TarReaderError.truncated }
            // These blocks carry no checksum.
            let next = TarHeader(unchecked: block)
            try take(next, 0, 21)
            guard extents.count <= Self.extentLimit else { throw ImageError(.tooLarge, "too many sparse extents") }
            more = block[504] != 0
        }
        try accept(extents, &entry)
    }

    /// The PAX forms 0.0, 0.1 and 1.0.
    private mutating func readPAXSparse(_ pax: TarPAX, _ entry: inout TarEntry) throws(ImageError) {
        if let name = pax.value("GNU.sparse.name") { entry.path = Array(name) }
        if pax.value("GNU.sparse.major")?.elementsEqual([UInt8(ascii: "1")]) == true {
            entry.size = try pax.number("GNU.sparse.realsize") ?? entry.size
            // First the map, which is part of the content that has not been read.
            let extents = try readSparseMap()
            return try accept(extents, &entry)
        }
        guard pax.value("GNU.sparse.size") != nil || pax.value("GNU.sparse.map") != nil else { return }
        if let size = try pax.number("GNU.sparse.size") { entry.size = size }
        var numbers: [Int64] = []
        if let map = pax.value("GNU.sparse.map") {
            for part in map.split(separator: UInt8(ascii: ",")) {
                guard let number = TarPAX.decimal(part) else { throw TarReaderError.corrupt("sparse map") }
                numbers.append(number)
            }
        } else {
            for record in pax.records
            where record.key.elementsEqual(Array("GNU.sparse.offset".utf8))
                || record.key.elementsEqual(Array("GNU.sparse.numbytes".utf8))
            {
                guard let number = TarPAX.decimal(record.value) else { throw TarReaderError.corrupt("sparse map") }
                numbers.append(number)
            }
        }
        try accept(try Self.extents(numbers), &entry)
    }

    /// The map at the start of a 1.0 entry's content: decimal lines, filled up to a whole block.
    private mutating func readSparseMap() throws(ImageError) -> [TarEntry.Extent] {
        var numbers: [Int64] = []
        var digits: [UInt8] = []
        var wanted = 1
        while numbers.count < wanted {
            guard unread >= 512, let block = try block() else { throw TarReaderError.corrupt("sparse map") }
            unread -= 512
            for byte in block where numbers.count < wanted {
                if byte != 0x0A {
                    digits.append(byte)
                    guard digits.count <= 20 else { throw TarReaderError.corrupt("sparse map") }
                    continue
                }
                guard let number = TarPAX.decimal(digits) else { throw TarReaderError.corrupt("sparse map") }
                digits.removeAll(keepingCapacity: true)
                if numbers.isEmpty {
                    guard number >= 0, number <= Int64(Self.extentLimit) else {
                        throw ImageError(.tooLarge, "too many sparse extents")
                    }
                    wanted = 1 + Int(number) * 2
                }
                numbers.append(number)
            }
        }
        return try Self.extents(Array(numbers.dropFirst()))
    }

    private static func extents(_ numbers: [Int64]) throws(ImageError) -> [TarEntry.Extent] {
        guard numbers.count.isMultiple(of: 2), numbers.count / 2 <= extentLimit else {
            throw TarReaderError.corrupt("sparse map")
        }
        return stride(from: 0, to: numbers.count, by: 2).map {
            TarEntry.Extent(offset: numbers[$0], length: numbers[$0 + 1])
        }
    }

    /// Checks that the extents are in order, inside the file, and as long as the stored content.
    private func accept(_ extents: [TarEntry.Extent], _ entry: inout TarEntry) throws(ImageError) {
        var end: Int64 = 0
        var total: Int64 = 0
        guard entry.size >= 0 else { throw TarReaderError.corrupt("sparse size out of range") }
        for extent in extents {
            guard extent.offset >= end, extent.length >= 0, extent.offset <= entry.size,
                extent.length <= entry.size - extent.offset
            else { throw TarReaderError.corrupt("sparse map out of order or range") }
            end = extent.offset + extent.length
            total += extent.length
        }
        guard total == unread else {
            throw TarReaderError.corrupt("sparse map of \(total) bytes for \(unread) bytes of content")
        }
        entry.extents = extents
    }
}

extension TarHeader {
    /// A block of a sparse map, which has no checksum.
    fileprivate init(unchecked block: [UInt8]) { self.block = block }
}
