import Base
import HTTP
import JSON
import Synchronization

/// What is known of one place while an image comes from it: which credential it takes, and its token. Used by several
/// threads.
final class PlaceSession: Sendable {
    let place: RegistryPlace
    private let file: RegistriesFile
    private let state: Mutex<State>

    private struct State {
        var candidates: [Credential?]
        var at = 0
        /// Sent with each request; nil for none.
        var authorization: String?
        /// The place took it at least once.
        var isProven = false
    }

    init(_ place: RegistryPlace, _ candidates: [Credential?], _ file: RegistriesFile) {
        self.place = place
        self.file = file
        state = Mutex(State(candidates: candidates))
    }

    var tls: RegistriesFile.TLSFiles { place.settings?.tls ?? RegistriesFile.TLSFiles() }

    /// The settings for a host that the place leads to.
    func tls(of url: HTTPURL) -> RegistriesFile.TLSFiles {
        file.settings(RegistryURL.hostAndPort(url), url.host)?.tls ?? RegistriesFile.TLSFiles()
    }

    var authorization: String? { state.withLock { $0.authorization } }

    /// The place took what was sent.
    func accepted(_ used: String?) { state.withLock { if $0.authorization == used { $0.isProven = true } } }

    /// Gets other credentials or a new token, after the place refused a request.
    ///
    /// - Parameter used: what was sent with that.
    /// - Returns: false when there is nothing else to try.
    func renew(_ used: String?, _ challenges: [Challenge], _ transport: Transport) throws(RegistryError) -> Bool {
        // Over the question for a token too: the other threads wait for its answer instead of asking themselves.
        try state.withLock { state throws(RegistryError) -> Bool in
            if state.authorization != used { return true }
            // A token that held until now has run out; anything else was the wrong credential.
            if used != nil, !state.isProven { state.at += 1 }
            state.isProven = false
            while state.at < state.candidates.count {
                if let next = try authorization(state.candidates[state.at], challenges, transport), next != used {
                    state.authorization = next
                    return true
                }
                state.at += 1
            }
            return false
        }
    }

    /// What a credential makes of a challenge; nil when it does not help.
    private func authorization(
        _ credential: Credential?, _ challenges: [Challenge], _ transport: Transport
    ) throws(RegistryError) -> String? {
        if let token = credential?.registryToken, !token.isEmpty { return try bearer(token) }
        if let challenge = challenges.first(where: { $0.scheme == "bearer" }) {
            return try token(credential, challenge, transport).map { token throws(RegistryError) in try bearer(token) }
        }
        if challenges.contains(where: { $0.scheme == "basic" }), let credential, !credential.username.isEmpty {
            return credential.basic
        }
        return nil
    }

    private func bearer(_ token: String) throws(RegistryError) -> String {
        guard token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), token.utf8.count <= 32 << 10 else {
            throw RegistryError(.invalid, "its token has characters that no token has, or too many")
        }
        return "Bearer " + token
    }

    // MARK: - The token server

    /// Asks the token server; nil when it refuses the credential.
    private func token(
        _ credential: Credential?, _ challenge: Challenge, _ transport: Transport
    ) throws(RegistryError) -> String? {
        let realm = try realm(challenge)
        let scope = challenge.parameters["scope"] ?? "repository:\(place.repository):pull"
        var fields = [("service", challenge.parameters["service"] ?? ""), ("scope", scope)]
        fields.removeAll { $0.1.isEmpty }
        var request = TransferRequest(url: realm.text)
        let sameHost = realm.url.host == place.base.url.host
        request.totalSeconds = transport.limits.documentSeconds
        request.tls = sameHost ? tls : tls(of: realm.url)
        if let credential, !credential.identityToken.isEmpty {
            fields += [
                ("grant_type", "refresh_token"), ("client_id", "swiftlet"), ("refresh_token", credential.identityToken),
            ]
            request.form = Self.form(fields)
        } else {
            request.url += (request.url.contains("?") ? "&" : "?") + Self.form(fields)
            if let credential { request.headers.append("Authorization: " + credential.basic) }
        }
        var body: [UInt8] = []
        let result = transport.perform(request) { (_, bytes) throws(RegistryError) in
            guard body.count + bytes.count <= 1 << 20 else {
                throw RegistryError(.invalid, "its answer has more than 1 MiB")
            }
            body += bytes
        }
        let server = "token server \(RegistryURL.origin(realm.url))"
        if let failure = result.failure { throw failure.during(server) }
        switch result.head.status {
        case 200: break
        case 400, 401, 403, 404: return nil
        case 429, 500...599: throw RegistryError(.unavailable, "\(server) answered \(result.head.status)")
        default: throw RegistryError(.invalid, "\(server) answered \(result.head.status)")
        }
        do throws(JSONError) {
            let value = try JSONParser.parse(body, limits: .init(bytes: 1 << 20, depth: 16))
            for key in ["token", "access_token"] {
                if let token = try value.optionalString(key), !token.isEmpty { return token }
            }
        } catch {
            throw RegistryError(.invalid, "\(server) gave no JSON: \(escaped("\(error)"))")
        }
        throw RegistryError(.invalid, "\(server) gave no token")
    }

    /// Credentials go to a token server over TLS, or without to the very host that is spoken to without.
    private func realm(_ challenge: Challenge) throws(RegistryError) -> (url: HTTPURL, text: String) {
        let text = challenge.parameters["realm"] ?? ""
        let url: HTTPURL
        do throws(HTTPError) { url = try HTTPURL(text) } catch {
            throw RegistryError(.invalid, "its token server \"\(escaped(text))\" is no URL: \(error.message)")
        }
        let base = place.base.url
        guard url.isSecure || (!base.isSecure && url.host == base.host) else {
            throw RegistryError(
                .invalid, "its token server \(escaped(text)) would be asked without encryption; this is refused")
        }
        return (url, text)
    }

    static func form(_ fields: [(String, String)]) -> String {
        fields.map { "\($0.0)=\(percentEncoded($0.1))" }.joined(separator: "&")
    }

    static func percentEncoded(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                out += "%" + (hex.count < 2 ? "0" + hex : hex)
            }
        }
        return out
    }
}
