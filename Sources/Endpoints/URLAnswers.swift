import Base
import HTTP
import HTTPClient
import PodSources

/// What follows from each answer of a URL. Only a whole, readable answer changes what is wanted; everything else is a
/// problem that is told, and what was last good stays. A value: it asks nobody.
struct URLAnswers {
    /// What is to be done with an answer.
    enum Verdict {
        /// As before.
        case unchanged
        /// This is wanted once `answer` is kept on disk; then `accept` it.
        case good(ManifestContents, SavedAnswer)
        /// `problems` has changed.
        case problem
    }

    let url: HTTPURL
    private(set) var contents: ManifestContents
    private(set) var problems: [ManifestProblem] = []
    /// Of the last good answer, for `If-None-Match`.
    private(set) var entityTag: String?
    /// Tells one body from another: the body itself is not kept.
    private var bodyHash: Int?
    /// Answered at least once since the agent began.
    private(set) var hasAnswered = false

    /// - Parameter saved: the last good answer of an earlier run, of this URL or of the one before it.
    init(_ url: HTTPURL, contents: ManifestContents = ManifestContents(), saved: SavedAnswer? = nil) {
        self.url = url
        self.contents = contents
        guard let saved, saved.url == Self.identity(url), saved.isWhole else { return }
        entityTag = saved.entityTag
        bodyHash = saved.body.hashValue
    }

    /// What an answer is kept under.
    static func identity(_ url: HTTPURL) -> String {
        "\(url.isSecure ? "https" : "http")://\(url.authority)\(url.target)"
    }

    /// The fields of the next request.
    var requestFields: HTTPHeaders {
        var fields: HTTPHeaders = ["Accept": "application/json, application/yaml;q=0.9, */*;q=0.5"]
        if let entityTag { fields.append("If-None-Match", entityTag) }
        return fields
    }

    mutating func take(_ result: Result<ClientResponse, ClientError>) -> Verdict {
        switch result {
        case .failure(let error): return refuse(error.message)
        case .success(let response):
            hasAnswered = true
            switch response.head.status {
            case 200: return read(response)
            case 304 where entityTag != nil: return settled()
            case 304: return refuse("304 Not Modified, though no version was named: the server is at fault")
            case 300..<400:
                let place = response.head.headers["Location"].map { " to \(Self.shown($0))" } ?? ""
                return refuse("a redirect (\(response.head.status))\(place); none is followed, name the right URL")
            default: return refuse(Self.words(response.head))
            }
        }
    }

    /// What was good is kept on disk: from now on it holds.
    mutating func accept(_ contents: ManifestContents, _ answer: SavedAnswer) {
        self.contents = contents
        entityTag = answer.entityTag
        bodyHash = answer.body.hashValue
        problems = []
    }

    /// Tells of a problem; what was last good stays.
    mutating func refuse(_ message: String) -> Verdict {
        refuse([ManifestProblem(path: url.description, message: message)])
    }

    private mutating func refuse(_ new: [ManifestProblem]) -> Verdict {
        guard problems != new else { return .unchanged }
        problems = new
        return .problem
    }

    /// What holds is what the server means.
    private mutating func settled() -> Verdict {
        guard !problems.isEmpty else { return .unchanged }
        problems = []
        return .problem
    }

    private mutating func read(_ response: ClientResponse) -> Verdict {
        let isObject = response.body.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D } == UInt8(ascii: "{")
        guard response.head.declaresLength || isObject else {
            return refuse(
                "an answer without Content-Length that is no JSON object: whether it was cut off cannot be told")
        }
        if bodyHash == response.body.hashValue { return settled() }
        do throws(ManifestRefusal) {
            let found = try ManifestReader.read(response.body, path: url.description, isFile: false)
            // A weak or a strong one: it is only sent back.
            let tag = response.head.headers["ETag"].flatMap { $0.utf8.count <= 1024 && !$0.isEmpty ? $0 : nil }
            return .good(found, SavedAnswer(url: Self.identity(url), entityTag: tag, body: response.body))
        } catch {
            return refuse(error.problems)
        }
    }

    /// A status for people.
    static func words(_ head: HTTPResponseHead) -> String {
        var text = "HTTP \(head.status) \(HTTPResponseHead.reason(head.status))"
        switch head.status {
        case 401, 403: text += "; look at the token, the headers and the client certificate"
        case 404, 410: text += "; look at the path"
        default: break
        }
        return text
    }

    /// What a server said, fit for a line.
    static func shown(_ text: String) -> String {
        let printable = text.unicodeScalars.prefix(200).map { $0.isASCII && $0.value >= 0x20 ? Character($0) : "?" }
        return String(printable)
    }
}
