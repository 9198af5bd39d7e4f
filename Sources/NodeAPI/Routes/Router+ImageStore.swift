import HTTP
import JSON

extension Router {
    /// `GET /swiftlet/v1/images/history?reference=`.
    func imageHistory(_ exchange: Exchange) {
        guard let reference = exchange.target.value("reference"), !reference.isEmpty else {
            return exchange.respond(.badRequest("reference: missing; name the image"))
        }
        service.imageHistory(reference) { Self.answerItems(exchange, $0) }
    }

    /// `POST /swiftlet/v1/images/verify[?reference=]...[&contents=true]`.
    func verifyImages(_ exchange: Exchange) {
        guard let contents = exchange.flag("contents") else { return }
        service.verifyImages(exchange.target.values("reference"), contents: contents) {
            Self.answerItems(exchange, $0)
        }
    }

    /// `GET /swiftlet/v1/images/save?reference=...[&format=]`, answered in the frames of `SaveStream`.
    func saveImages(_ exchange: Exchange) {
        let references = exchange.target.values("reference")
        guard !references.isEmpty, !references.contains("") else {
            return exchange.respond(.badRequest("reference: missing; name the images to save"))
        }
        SaveStream().start(exchange, service, references, exchange.target.value("format") ?? "oci")
    }

    /// `POST /swiftlet/v1/images/import?reference=[&config=][&path=]` with the path of a root file system's tarball on
    /// this machine, or with the tarball as the body.
    func importImage(_ head: HTTPRequestHead, _ target: RequestTarget) -> Endpoint {
        guard head.method == "POST" else { return Self.wrongMethod(head, ["POST"]) }
        var root = ImageRoot(reference: target.value("reference") ?? "", config: [:])
        do throws(JSONError) {
            if let text = target.value("config") { root.config = try JSONParser.parse(Array(text.utf8)) }
        } catch {
            return Endpoint { $0.respond(.badRequest("config: \(error)")) }
        }
        guard !root.reference.isEmpty else {
            return Endpoint { $0.respond(.badRequest("reference: missing; name the image that it becomes")) }
        }
        let service = service
        guard let path = target.value("path") else {
            root.source = "-"
            return upload { path, progress, completion in
                service.importImage(path: path, root, progress: progress, completion: completion)
            }
        }
        return Endpoint { exchange in
            guard path.hasPrefix("/") else {
                return exchange.respond(.badRequest("path: \"\(path)\" is not absolute"))
            }
            guard let isStream = exchange.flag("progress") else { return }
            let report = ImageReport(exchange, isStream: isStream)
            service.importImage(path: path, root, progress: { report.progress($0) }) { report.finish($0) }
        }
    }

    /// An archive that comes as the request's body.
    func upload(_ bring: @escaping ImageUpload.Bring) -> Endpoint {
        let upload = ImageUpload(service: service, bring)
        return Endpoint(
            body: .init(
                limit: ImageUpload.mostBytes, receive: { upload.receive($0, $1) }, abort: { upload.abort() }),
            run: { upload.complete($0) })
    }

    private static func answerItems(_ exchange: Exchange, _ result: Result<[JSONValue], NodeServiceError>) {
        switch result {
        case .success(let items): exchange.respond(json: ["items": .array(items)])
        case .failure(let error): exchange.respond(error)
        }
    }
}
