import Base
import HTTP
import HTTPClient
import JSON
import Kube

/// Reads the fields of `podsURL` and `statusURL` from a configuration file.
enum EndpointFields {
    typealias Issue = ConfigurationError.Issue

    static func url(_ value: JSONValue, _ settings: inout EndpointSettings) -> String? {
        guard let text = value.stringValue else { return "expected a URL, found \(value.kind)" }
        // As the kubelet has it: an empty one is none.
        if text.isEmpty { return nil }
        do throws(HTTPError) { settings.url = try HTTPURL(text) } catch { return error.message }
        return nil
    }

    /// The kubelet's `map[string][]string`.
    static func headers(_ value: JSONValue, _ settings: inout EndpointSettings) -> String? {
        guard let members = value.objectValue?.members else {
            return "expected header names with lists of values, found \(value.kind)"
        }
        var fields: [HTTPHeaders.Field] = []
        for member in members {
            guard let values = member.value.arrayValue?.map(\.stringValue) else {
                return "expected a list of values for \"\(member.key)\""
            }
            guard HTTPHeaders.isFieldName(member.key), !reserved.contains(member.key.lowercased()) else {
                return "\"\(member.key)\" is no header that may be set"
            }
            for value in values {
                guard let value, HTTPHeaders.isFieldValue(value) else {
                    return "expected values of printable characters for \"\(member.key)\""
                }
                fields.append(.init(member.key, value))
            }
        }
        settings.headers = fields
        return nil
    }

    /// What the client writes itself.
    private static let reserved: Set = [
        "host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect",
        "if-none-match", "accept-encoding", "keep-alive", "proxy-connection",
    ]

    private static let known = [
        "tokenFile", "caFile", "certFile", "keyFile", "connectTimeout", "responseTimeout", "timeout", "plainHTTPHost",
    ]

    /// Reads `podsURLClient` or `statusURLClient`, the field `name`.
    static func client(_ name: String, _ value: JSONValue, _ settings: inout EndpointSettings) -> [Issue] {
        guard let members = value.objectValue?.members else {
            return [Issue("\(name): expected an object, found \(value.kind)", at: value.position)]
        }
        var issues: [Issue] = []
        for member in members where !member.value.isNull {
            let (key, value) = (member.key, member.value)
            let wrong: String?
            switch key {
            case "tokenFile": wrong = file(value, &settings.tokenFile)
            case "caFile": wrong = file(value, &settings.authorities)
            case "certFile": wrong = file(value, &settings.certificate)
            case "keyFile": wrong = file(value, &settings.key)
            case "connectTimeout": wrong = time(value, &settings.connectTimeout)
            case "responseTimeout": wrong = time(value, &settings.responseTimeout)
            case "timeout": wrong = time(value, &settings.timeout)
            case "plainHTTPHost":
                settings.plainHTTPHost = value.stringValue
                wrong = value.stringValue == nil ? "expected the name of a host" : nil
            default:
                let hint = Spelling.closest(to: key, among: known).map { " (did you mean \"\($0)\"?)" } ?? ""
                issues.append(Issue("\(name): unknown field \"\(printable(key))\"\(hint)", at: member.keyPosition))
                continue
            }
            if let wrong { issues.append(Issue("\(name).\(key): \(wrong)", at: value.position)) }
        }
        return issues
    }

    // MARK: Showing

    static let hidden = "(hidden)"

    /// The names of headers; their values may be secrets.
    static func shown(_ headers: [HTTPHeaders.Field]) -> JSONValue? {
        if headers.isEmpty { return nil }
        var object = JSONObject()
        for name in headers.map(\.name) where object[name] == nil {
            object.append(name, .array(headers.filter { $0.name == name }.map { _ in .string(hidden) }))
        }
        return .object(object)
    }

    /// `podsURLClient` or `statusURLClient` with its defaults; nil without a URL.
    static func shownClient(_ settings: EndpointSettings) -> JSONValue? {
        if settings.url == nil { return nil }
        let defaults = ClientOptions()
        var object = JSONObject()
        func put(_ name: String, _ value: String?) { if let value { object.append(name, .string(value)) } }
        put("tokenFile", settings.tokenFile)
        put("caFile", settings.authorities)
        put("certFile", settings.certificate)
        put("keyFile", settings.key)
        put("connectTimeout", (settings.connectTimeout ?? defaults.connectTimeout).description)
        put("responseTimeout", (settings.responseTimeout ?? defaults.responseTimeout).description)
        put("timeout", (settings.timeout ?? defaults.timeout).description)
        put("plainHTTPHost", settings.plainHTTPHost)
        return .object(object)
    }

    // MARK: Values

    private static func file(_ value: JSONValue, _ setting: inout String?) -> String? {
        guard let path = value.stringValue, Path.isClean(path), path != "/" else {
            return "expected the absolute path of a file"
        }
        setting = path
        return nil
    }

    private static func time(_ value: JSONValue, _ setting: inout Nanoseconds?) -> String? {
        guard let time = value.stringValue.flatMap({ duration($0) }), time >= .milliseconds(100) else {
            return "expected a time from 100ms on, as 10s"
        }
        setting = time
        return nil
    }

    private static func printable(_ name: String) -> String {
        name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.isASCII } ? name : "(not in ASCII)"
    }

    /// Reads Go's text of a duration in whole units: `20s`, `1m30s`, `500ms`. At most a day.
    static func duration(_ text: String, most: Nanoseconds = .seconds(86_400)) -> Nanoseconds? {
        let units: [(String, Int64)] = [
            ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
        ]
        var rest = text[...]
        var total: Int64 = 0
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard digits.count <= 8, let number = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isLetter }
            guard let unit = units.first(where: { $0.0 == name }) else { return nil }
            rest = rest.dropFirst(name.count)
            let (product, overflow) = number.multipliedReportingOverflow(by: unit.1)
            let (sum, carry) = total.addingReportingOverflow(product)
            guard !overflow, !carry, sum <= most.count else { return nil }
            total = sum
        }
        return text.isEmpty ? nil : Nanoseconds(total)
    }
}
