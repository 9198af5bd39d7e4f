import Base
import CLinux
import Compression

/// A layer's tar stream as its outline and the unpacked files give it, piece by piece.
final class OutlineSource: TarSource {
    private let file: ByteRange
    private let path: String
    private var position: Int64 = 0
    private var decompressor: Decompressor
    private let input: UnsafeMutableRawBufferPointer
    private let output: UnsafeMutableRawBufferPointer
    private var pending = UnsafeRawBufferPointer(start: nil, count: 0)
    private var ready = UnsafeRawBufferPointer(start: nil, count: 0)
    private var atEnd = false
    private var rawLeft = 0
    /// Content that follows after the raw bytes of the record. Not known before those are read.
    private(set) var contentLeft: Int64 = 0
    private var isInRecord = false
    /// The raw bytes of the record are given out; what stands behind them is not read yet, because it would take their
    /// place in memory.
    private var awaitsLength = false
    /// What the next content is read from; nil when content is only passed over.
    private var contentFile: SharedDescriptor?
    private var extents: ArraySlice<TarEntry.Extent> = []
    /// Gets every byte of the stream in its order, when set.
    var sink: ((UnsafeRawBufferPointer) throws(ImageError) -> Void)?

    /// - Parameter path: the outline's file.
    /// - Throws: `ImageError`: `notFound` when there is none, `unsupported` when the stream cannot be made again.
    init(path: String) throws(ImageError) {
        self.path = path
        do {
            let opened = SharedDescriptor(try FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW))
            let size = Int64(try opened.descriptor.status(name: path).st_size)
            file = ByteRange(file: opened, offset: 0, size: size)
        } catch {
            if error.errno == .noEntry {
                throw ImageError(.notFound, "there is no outline of it; \(ImageStore.loadAgain)")
            }
            throw ImageError(error)
        }
        guard file.size > 0 else {
            throw ImageError(
                .unsupported,
                "its tar stream has the same file twice, and only the last one is kept; it cannot be put together again"
            )
        }
        do throws(CompressionError) { decompressor = try Decompressor(.zstd) } catch {
            throw ImageError(.storage, "\(error)")
        }
        input = .allocate(byteCount: 64 << 10, alignment: 64)
        output = .allocate(byteCount: 512 << 10, alignment: 64)
        let mark = try bytes(OutlineForm.mark.count)
        guard mark == OutlineForm.mark else { throw damaged("it begins with other bytes than it should") }
    }

    deinit {
        input.deallocate()
        output.deallocate()
    }

    /// The file that the next content comes from.
    ///
    /// - Parameter extents: nil for a file that the stream holds whole.
    func attach(_ file: SharedDescriptor, size: Int64, extents: [TarEntry.Extent]?) {
        contentFile = file
        self.extents = (extents ?? [TarEntry.Extent(offset: 0, length: size)])[...]
    }

    /// Whether content of a file comes next.
    func isAtContent() throws(ImageError) -> Bool {
        try enterRecord()
        return rawLeft == 0 && contentLeft > 0
    }

    func next(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer {
        try enterRecord()
        if rawLeft == 0 {
            if contentLeft > 0 { return try readContent(max) }
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let piece = try rawPiece(min(max, rawLeft))
        rawLeft -= piece.count
        try sink?(piece)
        if rawLeft == 0 { awaitsLength = true }
        return piece
    }

    func skip(_ count: Int64) throws(ImageError) {
        var left = count
        while left > 0 {
            try enterRecord()
            if rawLeft == 0, contentLeft > 0, contentFile == nil {
                let passed = min(left, contentLeft)
                (contentLeft, left) = (contentLeft - passed, left - passed)
                if contentLeft == 0 { isInRecord = false }
                continue
            }
            let piece = try next(Int(min(left, 256 << 10)))
            if piece.isEmpty { throw damaged("it ends in the middle of an entry") }
            left -= Int64(piece.count)
        }
    }

    /// Bytes of the whole stream; nothing can be read after that.
    func length() throws(ImageError) -> Int64 {
        var total: Int64 = 0
        while true {
            try enterRecord()
            if rawLeft == 0, contentLeft == 0 { return total }
            let (sum, overflow) = total.addingReportingOverflow(Int64(rawLeft) + min(contentLeft, Int64.max / 2))
            if overflow { throw damaged("it is too long") }
            total = sum
            try skip(rawLeft > 0 ? Int64(rawLeft) : contentLeft)
        }
    }

    // MARK: - Records

    private func enterRecord() throws(ImageError) {
        if awaitsLength { try readContentLength() }
        while !isInRecord, !atEnd {
            if ready.isEmpty { try refill() }
            if ready.isEmpty { return }
            let count = try bytes(4).enumerated().reduce(0) { $0 | Int($1.element) << (8 * $1.offset) }
            guard count <= OutlineForm.recordLimit else { throw damaged("a record of \(count) bytes") }
            (rawLeft, contentLeft, isInRecord) = (count, 0, true)
            if count == 0 { try readContentLength() }
        }
    }

    private func readContentLength() throws(ImageError) {
        awaitsLength = false
        let count = try bytes(8).enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (8 * UInt64($1.offset)) }
        guard let length = Int64(exactly: count) else { throw damaged("content of \(count) bytes") }
        contentLeft = length
        if length == 0 { isInRecord = false }
    }

    private func readContent(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer {
        guard let contentFile, let extent = extents.first else {
            throw damaged("content that belongs to no file")
        }
        let wanted = Int(min(Int64(min(max, output.count / 2)), contentLeft, extent.length))
        if wanted == 0 {
            extents.removeFirst()
            return try readContent(max)
        }
        // The second half of the output: the first may hold raw bytes that wait.
        let place = UnsafeMutableRawBufferPointer(rebasing: output[(output.count / 2)...])
        let n = try storage { () throws(SystemError) in
            try retrying("read", "a file of the layer") {
                pread(contentFile.raw, place.baseAddress, wanted, off_t(extent.offset))
            }
        }
        if n == 0 { throw ImageError(.corrupt, "a file of the layer is shorter than it was") }
        extents[extents.startIndex] = TarEntry.Extent(
            offset: extent.offset + Int64(n), length: extent.length - Int64(n))
        contentLeft -= Int64(n)
        if contentLeft == 0 { (self.contentFile, isInRecord) = (nil, false) }
        let piece = UnsafeRawBufferPointer(rebasing: place[..<n])
        try sink?(piece)
        return piece
    }

    // MARK: - The file

    private func bytes(_ count: Int) throws(ImageError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count { bytes.append(contentsOf: try rawPiece(count - bytes.count)) }
        return bytes
    }

    private func rawPiece(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer {
        if ready.isEmpty { try refill() }
        if ready.isEmpty { throw damaged("it ends early") }
        let count = min(max, ready.count)
        let piece = UnsafeRawBufferPointer(rebasing: ready[..<count])
        ready = UnsafeRawBufferPointer(rebasing: ready[count...])
        return piece
    }

    private func refill() throws(ImageError) {
        let target = UnsafeMutableRawBufferPointer(rebasing: output[..<(output.count / 2)])
        while !atEnd {
            if pending.isEmpty, position < file.size {
                let n = try file.read(at: position, into: input)
                position += Int64(n)
                pending = UnsafeRawBufferPointer(rebasing: input[..<n])
            }
            do throws(CompressionError) {
                let (consumed, produced) = try decompressor.process(pending, into: target)
                pending = UnsafeRawBufferPointer(rebasing: pending[consumed...])
                if produced > 0 {
                    ready = UnsafeRawBufferPointer(rebasing: target[..<produced])
                    return
                }
                if consumed == 0, pending.isEmpty, position >= file.size {
                    try decompressor.finish()
                    atEnd = true
                } else if consumed == 0, !pending.isEmpty {
                    throw .corrupt("it does not continue")
                }
            } catch {
                throw damaged("\(error)")
            }
        }
    }

    private func damaged(_ what: String) -> ImageError {
        ImageError(.corrupt, "its outline \(self.path) is damaged: \(what); \(ImageStore.loadAgain)")
    }
}
