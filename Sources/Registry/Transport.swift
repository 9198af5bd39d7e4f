import Base
import CCurl
import CLinux
import HTTP

/// An answer's head.
struct ResponseHead {
    var status = 0
    var headers = HTTPHeaders()
    /// Bytes of lines kept so far.
    fileprivate var size = 0

    var contentLength: Int64? { headers["content-length"].flatMap { Int64($0) } }
}

/// A request.
struct TransferRequest {
    var url: String
    var headers: [String] = []
    /// Sent by POST; nil for GET.
    var form: String?
    var tls = RegistriesFile.TLSFiles()
    /// How long it may take; 0 for ever.
    var totalSeconds = 0
}

/// How a request ended.
struct TransferResult {
    var head: ResponseHead
    /// Nil when the answer is complete.
    var failure: RegistryError?
    /// Where a redirection leads; empty when it is none.
    var redirect: String
}

/// How long is waited, and how often something is tried.
public struct TransferLimits: Hashable, Sendable {
    public var connectSeconds = 30
    /// A transfer without a byte for so long is given up, and begun again where it stopped.
    public var stallSeconds = 60
    /// How long a manifest or a token may take.
    public var documentSeconds = 300
    /// Tries in a row that bring nothing.
    public var tries = 5
    /// The wait before the second try; it doubles with each further one.
    public var retryMilliseconds: Int64 = 500
    /// The longest wait that a registry may ask for; with more the pull ends.
    public var retryAfterSeconds: Int64 = 60

    public init() {}
}

/// Makes requests with libcurl, on one thread, keeping connections.
final class Transport {
    private let handle: UnsafeMutableRawPointer
    let limits: TransferLimits
    private let isCancelled: @Sendable () -> Bool

    /// - Throws: `RegistryError` with `configuration` when libcurl is missing.
    init(_ limits: TransferLimits, isCancelled: @escaping @Sendable () -> Bool) throws(RegistryError) {
        if let problem = swl_curl_load() {
            throw RegistryError(
                .configuration,
                "images are pulled with libcurl, which is not there (\(String(cString: problem))): "
                    + "apt-get install libcurl4 ca-certificates")
        }
        guard let handle = swl_curl_new() else { throw RegistryError(.configuration, "no memory for libcurl") }
        self.handle = handle
        self.limits = limits
        self.isCancelled = isCancelled
    }

    deinit { swl_curl_free(handle) }

    /// Waits, in steps, so that the failure of another part ends it.
    func sleep(milliseconds: Int64) throws(RegistryError) {
        let end = BootInstant.now + .milliseconds(milliseconds)
        while true {
            if isCancelled() { throw RegistryError(.cancelled, "another part failed") }
            let left = (end - BootInstant.now).count
            if left <= 0 { return }
            var step = timespec(tv_sec: 0, tv_nsec: Int(min(left, 200_000_000)))
            _ = nanosleep(&step, nil)
        }
    }

    /// What the callbacks of one request use.
    private final class Exchange {
        var head = ResponseHead()
        var problem: RegistryError?
        let body: (ResponseHead, UnsafeRawBufferPointer) throws(RegistryError) -> Void
        let isCancelled: @Sendable () -> Bool

        init(
            _ isCancelled: @escaping @Sendable () -> Bool,
            _ body: @escaping (ResponseHead, UnsafeRawBufferPointer) throws(RegistryError) -> Void
        ) {
            self.isCancelled = isCancelled
            self.body = body
        }

        func line(_ bytes: UnsafeRawBufferPointer) -> Bool {
            let text = String(decoding: bytes, as: UTF8.self).filter { $0 != "\r\n" && $0 != "\n" && $0 != "\r" }
            if text.hasPrefix("HTTP/") {
                // The last head counts: an interim one, or a proxy's, comes before.
                head = ResponseHead()
                head.status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
                return true
            }
            head.size += bytes.count
            guard head.size <= 64 << 10 else {
                problem = RegistryError(.invalid, "the head of its answer has more than 64 KiB")
                return false
            }
            guard let colon = text.firstIndex(of: ":") else { return true }
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            head.headers.append(String(text[..<colon]), String(value.reversed().drop { $0 == " " }.reversed()))
            return true
        }

        func piece(_ bytes: UnsafeRawBufferPointer) -> Bool {
            do throws(RegistryError) {
                try body(head, bytes)
                return true
            } catch {
                problem = error
                return false
            }
        }
    }

    /// Makes a request. `body` gets the pieces of the answer; what it throws ends the transfer and is the result's
    /// failure.
    func perform(
        _ request: TransferRequest,
        _ body: @escaping (ResponseHead, UnsafeRawBufferPointer) throws(RegistryError) -> Void
    ) -> TransferResult {
        let exchange = Exchange(isCancelled, body)
        var result = swl_transfer_result()
        withExtendedLifetime(exchange) { call(request, Unmanaged.passUnretained(exchange).toOpaque(), &result) }
        let redirect = Self.text(&result.redirect)
        var failure = exchange.problem
        if failure == nil, result.code != 0 {
            failure =
                isCancelled()
                ? RegistryError(.cancelled, "another part failed")
                : RegistryError(.unavailable, escaped(Self.text(&result.message)))
        }
        return TransferResult(head: exchange.head, failure: failure, redirect: redirect)
    }

    private func call(
        _ request: TransferRequest, _ context: UnsafeMutableRawPointer, _ result: inout swl_transfer_result
    ) {
        let tls = request.tls
        withCStrings(request.headers) { headers in
            Self.withOptional([request.form ?? "", tls.authorities, tls.certificate, tls.key]) { texts in
                request.url.withCString { url in
                    headers.withMemoryRebound(to: UnsafePointer<CChar>?.self, capacity: request.headers.count + 1) {
                        var transfer = swl_transfer(
                            url: url, headers: $0, form: request.form == nil ? nil : texts[0], ca_file: texts[1],
                            cert_file: texts[2], key_file: texts[3], insecure: tls.isUnverified ? 1 : 0,
                            connect_seconds: limits.connectSeconds, stall_seconds: limits.stallSeconds,
                            total_seconds: request.totalSeconds,
                            context: context,
                            header: { context, bytes, count in
                                let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
                                return exchange.line(UnsafeRawBufferPointer(start: bytes, count: count)) ? 1 : 0
                            },
                            body: { context, bytes, count in
                                let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
                                return exchange.piece(UnsafeRawBufferPointer(start: bytes, count: count)) ? 1 : 0
                            },
                            proceed: { context in
                                let exchange = Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
                                return exchange.isCancelled() ? 0 : 1
                            })
                        swl_curl_perform(handle, &transfer, &result)
                    }
                }
            }
        }
    }

    /// The strings for C; null for those that are empty.
    private static func withOptional(_ texts: [String], _ body: ([UnsafePointer<CChar>?]) -> Void) {
        withCStrings(texts) { pointers in
            body(texts.indices.map { texts[$0].isEmpty ? nil : pointers[$0].map { UnsafePointer($0) } })
        }
    }

    /// The text in a C array of bytes.
    private static func text<Bytes>(_ bytes: inout Bytes) -> String {
        withUnsafeBytes(of: &bytes) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
