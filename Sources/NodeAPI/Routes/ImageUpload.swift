import Base
import CLinux
import Synchronization

/// Puts an image archive that arrives as a request body into a file without a name, so that nothing is left of it
/// whatever happens, and loads it from there. The disk is waited for elsewhere; meanwhile the client is not read from.
final class ImageUpload {
    /// A bound that no archive reaches; the disk is full long before, which is told.
    static let mostBytes: Int64 = 1 << 40
    /// Bytes that are collected for one write.
    private static let pieceSize = 1 << 20

    /// Makes images of the archive at a path.
    typealias Bring = (
        _ path: String, _ progress: @escaping (ImageProgress) -> Void,
        _ completion: @escaping (Result<[ImageSummary], NodeServiceError>) -> Void
    ) -> Void

    private let service: any NodeService
    private let bring: Bring
    private var file: SharedDescriptor?
    private var collected: [UInt8] = []
    private var isWriting = false
    private var isOver = false
    private var onWritten: (() -> Void)?

    init(service: any NodeService, _ bring: @escaping Bring) {
        self.service = service
        self.bring = bring
    }

    func receive(_ exchange: Exchange, _ bytes: [UInt8]) {
        guard !isOver else { return }
        collected.append(contentsOf: bytes)
        guard collected.count >= Self.pieceSize else { return }
        exchange.pauseBody()
        write(exchange) { exchange.resumeBody() }
    }

    func abort() {
        isOver = true
        collected = []
        file = nil
    }

    func complete(_ exchange: Exchange) {
        guard !isOver else { return }
        write(exchange) { [self] in
            guard let file else { return exchange.respond(.badRequest("the body is empty; send an image archive")) }
            guard let isStream = exchange.flag("progress") else { return abort() }
            let report = ImageReport(exchange, isStream: isStream)
            let name = "fd/\(file.raw)"
            bring("/proc/self/" + name, { report.progress($0) }) { [self] result in
                abort()
                // The archive has no path that means anything to who sent it.
                report.finish(result.mapError { Self.withoutPath($0, name) })
            }
        }
    }

    private static func withoutPath(_ error: NodeServiceError, _ name: String) -> NodeServiceError {
        var message = error.message
        for process in ["self", String(getpid())] {
            message = message.replacing("\"/proc/\(process)/\(name)\"", with: "the archive that was sent")
                .replacing("/proc/\(process)/\(name)", with: "the archive that was sent")
        }
        return NodeServiceError(status: error.status, message)
    }

    /// Writes what is collected, then calls `then`; answers itself when that fails.
    private func write(_ exchange: Exchange, then: @escaping () -> Void) {
        guard !collected.isEmpty else { return then() }
        let bytes = collected
        collected = []
        do throws(SystemError) {
            let target: SharedDescriptor
            if let file { target = file } else { target = try open() }
            file = target
            let failure = Failure()
            service.runBlocking {
                do throws(SystemError) { try target.descriptor.writeAll(bytes, name: "image archive") } catch {
                    failure.set(error)
                }
            } then: { [self] in
                if isOver { return }
                if let error = failure.error { return fail(exchange, error) }
                then()
            }
        } catch {
            fail(exchange, error)
        }
    }

    private func open() throws(SystemError) -> SharedDescriptor {
        SharedDescriptor(
            try FileDescriptor.open(service.imageUploadFolder, O_RDWR | swl_o_tmpfile(), mode: 0o600))
    }

    private func fail(_ exchange: Exchange, _ error: SystemError) {
        abort()
        let status = error.errno == .noSpace ? 507 : 500
        exchange.respond(NodeServiceError(status: status, "cannot keep the image archive: \(error)"))
    }

    /// The outcome of a write on another thread.
    private final class Failure: Sendable {
        private let value = Mutex<SystemError?>(nil)
        var error: SystemError? { value.withLock { $0 } }
        func set(_ error: SystemError) { value.withLock { $0 = error } }
    }
}
