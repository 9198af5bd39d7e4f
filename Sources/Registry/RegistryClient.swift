import Base
import CLinux
import HTTP
import JSON
import OCI

/// Asks one place for things of a repository: with its credentials, over redirections, and again when it has no time.
/// One a thread; the sessions are shared.
struct RegistryClient {
    let session: PlaceSession
    let transport: Transport

    private static let mostRedirections = 5

    /// Gets something. `body` gets the pieces of an answer of status 200 or 206; others are turned into errors.
    ///
    /// - Parameters:
    ///   - kind, name: `manifests` and a tag or digest, or `blobs` and a digest.
    ///   - headers: further lines.
    /// - Throws: `RegistryError` naming the registry and the thing.
    func get(
        _ kind: String, _ name: String, headers: [String] = [],
        _ body: @escaping (ResponseHead, UnsafeRawBufferPointer) throws(RegistryError) -> Void
    ) throws(RegistryError) -> ResponseHead {
        let url = session.place.url(kind, name)
        do throws(RegistryError) {
            var tries = 0
            while true {
                let used = session.authorization
                let (head, said) = try follow(url, headers, used, body)
                switch head.status {
                case 200, 206:
                    session.accepted(used)
                    return head
                case 401, 403:
                    let challenges = head.headers.all("www-authenticate").flatMap { Challenge.parse($0) }
                    guard try session.renew(used, challenges, transport) else {
                        throw RegistryError(
                            .unauthorized,
                            (used == nil ? "it wants credentials, and there are none for it" : "access is refused")
                                + Self.words(head.status, said))
                    }
                case 404: throw RegistryError(.notFound, "there is no such thing" + Self.words(404, said))
                case 429, 500...599:
                    let what = head.status == 429 ? "it was asked too often" : "it has trouble"
                    let error = RegistryError(.unavailable, what + Self.words(head.status, said))
                    tries += 1
                    try wait(tries, retryAfter: head.headers["retry-after"].flatMap { Int64($0) }, or: error)
                default:
                    throw RegistryError(.invalid, "it answered what is not understood" + Self.words(head.status, said))
                }
            }
        } catch {
            throw error.during(title(kind, name))
        }
    }

    /// The kinds of manifest and index that are understood.
    static let manifestTypes = [
        ImageMediaType.index, ImageMediaType.manifest, ImageMediaType.dockerList, ImageMediaType.dockerManifest,
    ]

    private final class Collected { var bytes: [UInt8] = [] }

    /// Gets a document whole.
    ///
    /// - Throws: `RegistryError`, also for one of more than `limit` bytes.
    func document(_ kind: String, _ name: String, limit: Int) throws(RegistryError) -> (ResponseHead, [UInt8]) {
        let accept = kind == "manifests" ? ["Accept: " + Self.manifestTypes.joined(separator: ", ")] : []
        let collected = Collected()
        let head = try get(kind, name, headers: accept) { (_, piece) throws(RegistryError) in
            guard collected.bytes.count + piece.count <= limit else {
                throw RegistryError(.invalid, "it has more than \(limit) bytes")
            }
            collected.bytes += piece
        }
        return (head, collected.bytes)
    }

    /// For messages.
    func title(_ kind: String, _ name: String) -> String {
        let place = session.place
        let what = kind == "blobs" ? "blob \(name) of \(place.repository)" : "\(place.repository) \(name)"
        return "registry \(RegistryURL.origin(place.base.url)), \(what)"
    }

    /// Waits before another try.
    ///
    /// - Throws: `error` after the last one, and when the registry wants to be left alone for long.
    func wait(_ tries: Int, retryAfter: Int64? = nil, or error: RegistryError) throws(RegistryError) {
        let limits = transport.limits
        var error = error
        error.isFinal = true
        guard tries < limits.tries else { throw error }
        var milliseconds = limits.retryMilliseconds << Int64(min(tries - 1, 6))
        if let retryAfter, retryAfter >= 0 {
            guard retryAfter <= limits.retryAfterSeconds else {
                error.message += "; it wants to be asked again in \(retryAfter) s"
                throw error
            }
            milliseconds = max(milliseconds, retryAfter * 1000)
        }
        try transport.sleep(milliseconds: milliseconds)
    }

    /// One request and the redirections from it.
    private func follow(
        _ start: String, _ headers: [String], _ authorization: String?,
        _ body: @escaping (ResponseHead, UnsafeRawBufferPointer) throws(RegistryError) -> Void
    ) throws(RegistryError) -> (ResponseHead, [UInt8]) {
        let home = session.place.base.url
        var url = start
        for _ in 0...Self.mostRedirections {
            let parsed = try Self.parse(url)
            let isHome = RegistryURL.origin(parsed) == RegistryURL.origin(home)
            var request = TransferRequest(url: url, headers: headers)
            // Credentials and the client's certificate are for the registry, not for whom it sends us to.
            if isHome {
                request.tls = session.tls
                if let authorization { request.headers.append("Authorization: " + authorization) }
            } else {
                request.tls = session.tls(of: parsed)
            }
            // A blob takes as long as it takes; a document does not.
            request.totalSeconds = url.contains("/manifests/") ? transport.limits.documentSeconds : 0
            var said: [UInt8] = []
            var isEnough = false
            let result = transport.perform(request) { (head, bytes) throws(RegistryError) in
                if head.status == 200 || head.status == 206 { return try body(head, bytes) }
                said += bytes.prefix(max(0, 64 << 10 - said.count))
                isEnough = said.count >= 64 << 10
                if isEnough { throw RegistryError(.invalid, "its error has more than 64 KiB") }
            }
            if let failure = result.failure, !isEnough {
                throw isHome ? failure : failure.during(RegistryURL.origin(parsed))
            }
            guard [301, 302, 303, 307, 308].contains(result.head.status) else { return (result.head, said) }
            var target = result.redirect
            if let fragment = target.firstIndex(of: "#") { target = String(target[..<fragment]) }
            guard !target.isEmpty else { throw RegistryError(.invalid, "it redirects to nowhere") }
            if parsed.isSecure, try !Self.parse(target).isSecure {
                throw RegistryError(.invalid, "it redirects from https to \(escaped(target)), without encryption")
            }
            url = target
        }
        throw RegistryError(.invalid, "it redirects more than \(Self.mostRedirections) times")
    }

    private static func parse(_ text: String) throws(RegistryError) -> HTTPURL {
        do throws(HTTPError) { return try HTTPURL(text) } catch {
            throw RegistryError(.invalid, "it redirects to \"\(escaped(text))\": \(error.message)")
        }
    }

    /// What a registry says of an error: its codes and messages.
    private static func words(_ status: Int, _ body: [UInt8]) -> String {
        let value = try? JSONParser.parse(body, limits: .init(bytes: 64 << 10, depth: 16))
        let errors = (value?["errors"]?.arrayValue ?? []).prefix(3).compactMap { error -> String? in
            let parts = [error["code"]?.stringValue, error["message"]?.stringValue].compactMap { $0 }
            return parts.isEmpty ? nil : escaped(parts.joined(separator: ": "))
        }
        return " (\(status)" + errors.map { "; \($0)" }.joined() + ")"
    }
}
