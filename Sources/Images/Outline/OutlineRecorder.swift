import Base
import CLinux
import Compression

/// Numbers of an outline's form.
enum OutlineForm {
    static let mark = Array("SWOL\u{1}".utf8)
    /// Most raw bytes of a record.
    static let recordLimit = 1 << 20
    /// Bytes that are taken or compressed at once.
    static let pieceSize = 64 << 10
}

/// Writes down a layer's tar stream without the contents of its files while the layer is unpacked: headers, padding and
/// what stands between them, compressed. Together with the unpacked files it gives the stream again, byte for byte.
///
///     file    one zstd frame with a checksum; empty when the stream cannot be made again
///     frame   "SWOL\1", then records: length of raw bytes (UInt32), the raw bytes, length of content after them
///     (UInt64)
final class OutlineRecorder<Source: TarSource>: TarSource {
    private let source: Source
    private let file: SharedDescriptor
    private let path: String
    private let encoder: ZstdEncoder
    /// Records that have not been compressed yet.
    private var buffer = OutlineForm.mark
    private var raw: [UInt8] = []
    private var contentCount: Int64 = 0

    /// - Parameter path: the file to write; it must not be there.
    init(_ source: Source, path: String) throws(ImageError) {
        self.source = source
        self.path = path
        file = try storage { () throws(SystemError) in
            SharedDescriptor(
                try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600))
        }
        do throws(CompressionError) { encoder = try ZstdEncoder() } catch { throw ImageError(.storage, "\(error)") }
    }

    func next(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer {
        if contentCount > 0 || raw.count >= OutlineForm.recordLimit - OutlineForm.pieceSize { try endRecord() }
        let bytes = try source.next(min(max, OutlineForm.pieceSize))
        raw.append(contentsOf: bytes)
        return bytes
    }

    func content(_ max: Int) throws(ImageError) -> UnsafeRawBufferPointer {
        let bytes = try source.next(max)
        contentCount += Int64(bytes.count)
        return bytes
    }

    /// Ends the file, after the stream's end.
    ///
    /// - Parameter isComplete: whether the unpacked files still have all content of the stream.
    func finish(isComplete: Bool) throws(ImageError) {
        if isComplete {
            if contentCount > 0 || !raw.isEmpty { try endRecord() }
            return try compress(isLast: true)
        }
        let descriptor = file.raw
        try storage { () throws(SystemError) in try retrying("ftruncate", path) { ftruncate(descriptor, 0) } }
    }

    private func endRecord() throws(ImageError) {
        withUnsafeBytes(of: UInt32(raw.count).littleEndian) { buffer.append(contentsOf: $0) }
        buffer.append(contentsOf: raw)
        withUnsafeBytes(of: UInt64(contentCount).littleEndian) { buffer.append(contentsOf: $0) }
        raw.removeAll(keepingCapacity: true)
        contentCount = 0
        if buffer.count >= OutlineForm.pieceSize { try compress(isLast: false) }
    }

    private func compress(isLast: Bool) throws(ImageError) {
        let bytes = buffer
        buffer.removeAll(keepingCapacity: true)
        var failure: ImageError?
        bytes.withUnsafeBytes { input in
            do throws(ImageError) {
                let refused = try encoder.process(input, isLast: isLast) { piece throws(ImageError) in
                    try write(piece)
                }
                if let refused { throw ImageError(.storage, "\(refused)") }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws(ImageError) {
        try storage { () throws(SystemError) in
            var rest = bytes
            while !rest.isEmpty {
                guard let n = try file.descriptor.write(rest) else { continue }
                rest = UnsafeRawBufferPointer(rebasing: rest[n...])
            }
        }
    }
}
