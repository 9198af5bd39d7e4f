import Base
import CLinux
import Digest
import HTTP
import OCI

/// A blob on its way into a file: summed while it comes, and gone on with where it was cut off.
final class BlobDownload {
    let descriptor: ImageDescriptor
    private static let mostCuts = 100
    private let path: String
    private let file: FileDescriptor
    private var hasher: StreamHasher?
    /// Bytes in the file.
    private(set) var offset: Int64 = 0
    private let report: (Int64) -> Void

    /// - Parameters:
    ///   - path: where the file is made.
    ///   - report: called with the bytes that are there.
    init(_ descriptor: ImageDescriptor, _ path: String, report: @escaping (Int64) -> Void) throws(RegistryError) {
        self.descriptor = descriptor
        self.path = path
        self.report = report
        file = try storage { () throws(SystemError) in
            // A hostile image may have the same content at two places.
            try Files.remove(path)
            return try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        }
        try restart()
    }

    /// Forgets what came.
    func restart() throws(RegistryError) {
        let raw = file.raw
        try storage { () throws(SystemError) in
            try retrying("truncate", path) { ftruncate(raw, 0) }
            try retrying("seek", path) { lseek(raw, 0, SEEK_SET) }
        }
        do {
            hasher = try StreamHasher(descriptor.digest.algorithm == .sha256 ? .sha256 : .sha512)
        } catch {
            throw RegistryError(.storage, "\(error)")
        }
        offset = 0
        report(0)
    }

    /// Gets the blob, or what is missing of it.
    ///
    /// - Throws: `RegistryError` naming the registry, the blob and what is wrong.
    func run(_ client: RegistryClient) throws(RegistryError) {
        let title = client.title("blobs", descriptor.digest.description)
        var fruitless = 0
        var cuts = 0
        while offset < descriptor.size || descriptor.size == 0 {
            let before = offset
            do throws(RegistryError) {
                try request(client)
                if offset == descriptor.size { break }
                throw RegistryError(
                    .unavailable, "\(title): it ended after \(offset) of \(descriptor.size) bytes")
            } catch {
                // One that always gives a little would take for ever.
                cuts += 1
                guard error.kind == .unavailable, !error.isFinal, cuts < Self.mostCuts else { throw error }
                fruitless = offset > before ? 1 : fruitless + 1
                try client.wait(fruitless, or: error)
            }
        }
        guard let sum = hasher.take() else { return }
        let actual: String
        do { actual = try sum.finish() } catch { throw RegistryError(.storage, "\(error)") }
        guard actual == descriptor.digest.hex else {
            throw RegistryError(
                .invalid,
                "\(title): its content is another one, of digest \(descriptor.digest.algorithm.rawValue):\(actual)")
        }
    }

    private func request(_ client: RegistryClient) throws(RegistryError) {
        let from = offset
        let size = descriptor.size
        var isChecked = false
        let headers = from > 0 ? ["Range: bytes=\(from)-"] : []
        _ = try client.get("blobs", descriptor.digest.description, headers: headers) {
            (head, bytes) throws(RegistryError) in
            if !isChecked {
                isChecked = true
                try self.check(head, from)
            }
            guard Int64(bytes.count) <= size - self.offset else {
                throw RegistryError(.invalid, "it sends more than the \(size) bytes that its descriptor says")
            }
            try self.take(bytes)
        }
    }

    /// Whether an answer goes on at `from`, or begins anew.
    private func check(_ head: ResponseHead, _ from: Int64) throws(RegistryError) {
        let size = descriptor.size
        if head.status == 206 {
            guard from > 0, let range = head.headers["content-range"].flatMap({ ContentRange($0) }),
                range.continues(at: from, of: size)
            else {
                let said = escaped(head.headers["content-range"] ?? "none")
                throw RegistryError(.invalid, "asked for the bytes from \(from) of \(size), it gives the range \(said)")
            }
            return
        }
        if let length = head.contentLength, length != size {
            throw RegistryError(.invalid, "it has \(length) bytes, its descriptor says \(size)")
        }
        // It cannot go on in the middle.
        if from > 0 { try restart() }
    }

    private func take(_ bytes: UnsafeRawBufferPointer) throws(RegistryError) {
        try storage { () throws(SystemError) in
            var rest = bytes
            while !rest.isEmpty {
                guard let n = try file.write(rest) else { continue }
                rest = UnsafeRawBufferPointer(rebasing: rest[n...])
            }
        }
        hasher?.update(bytes)
        offset += Int64(bytes.count)
        report(offset)
    }
}

/// Runs `body` and turns a `SystemError` of it into a `RegistryError`.
@discardableResult
func storage<R: ~Copyable>(_ body: () throws(SystemError) -> R) throws(RegistryError) -> R {
    do { return try body() } catch { throw RegistryError(.storage, "\(error)") }
}
