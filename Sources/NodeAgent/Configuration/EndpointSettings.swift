import Base
import HTTP
import HTTPClient
import TLS

/// How the agent speaks with one server: of `podsURL` or of `statusURL`.
public struct EndpointSettings: Hashable, Sendable {
    public var url: HTTPURL?
    public var headers: [HTTPHeaders.Field] = []
    /// Files, below the root prefix.
    public var tokenFile: String?
    public var authorities: String?
    public var certificate: String?
    public var key: String?
    public var connectTimeout: Nanoseconds?
    public var responseTimeout: Nanoseconds?
    public var timeout: Nanoseconds?
    /// The machine that may be spoken with without TLS.
    public var plainHTTPHost: String?

    public init() {}

    /// These settings, and `others` where they set nothing.
    func or(_ others: EndpointSettings) -> EndpointSettings {
        var result = others
        result.url = url ?? others.url
        return result
    }

    /// What keeps the URL from being used; nil when nothing does.
    ///
    /// - Parameter name: of the field.
    func problem(_ name: String) -> String? {
        guard let url else { return nil }
        guard url.isSecure || url.isLoopback || plainHTTPHost.map({ url.host == $0.lowercased() }) == true else {
            return "\(name): plain http:// goes only to this machine; use https://, or name the host that may be "
                + "spoken with unprotected: \(name)Client.plainHTTPHost: \(url.host)"
        }
        return nil
    }

    /// For the client of an agent with this root prefix.
    public func options(root: String) -> ClientOptions {
        var options = ClientOptions()
        options.headers = headers
        options.tokenFile = tokenFile.map { root + $0 }
        options.tls = TLSFiles(
            authorities: authorities.map { root + $0 }, certificate: certificate.map { root + $0 },
            key: key.map { root + $0 })
        if let connectTimeout { options.connectTimeout = connectTimeout }
        if let responseTimeout { options.responseTimeout = responseTimeout }
        if let timeout { options.timeout = timeout }
        options.userAgent = "swiftletd/\(Release.version)"
        return options
    }
}
