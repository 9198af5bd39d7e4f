import Base
import HTTP
import JSON

extension Router {
    /// `GET` lists, `DELETE ?reference=` removes.
    func images(_ head: HTTPRequestHead) -> Endpoint {
        switch head.method {
        case "GET":
            Endpoint { [service] exchange in
                exchange.respond(json: ["items": .array(service.images().map(Self.json))])
            }
        case "DELETE": Endpoint { [self] in removeImage($0) }
        default: Self.wrongMethod(head, ["GET", "DELETE"])
        }
    }

    /// `POST /swiftlet/v1/images/pull?reference=[&progress=true]`.
    func pullImage(_ exchange: Exchange) {
        guard let reference = exchange.target.value("reference"), !reference.isEmpty else {
            return exchange.respond(.badRequest("reference: missing; name the image to pull"))
        }
        guard let isStream = exchange.flag("progress") else { return }
        let report = ImageReport(exchange, isStream: isStream)
        report.work = service.pullImage(reference, progress: { report.progress($0) }) { report.finish($0) }
    }

    /// `GET /swiftlet/v1/pulls`.
    func pulls(_ exchange: Exchange) { exchange.respond(json: ["items": .array(service.pulls().map(\.json))]) }

    /// `GET /swiftlet/v1/images/inspect?reference=`.
    func inspectImage(_ exchange: Exchange) {
        do throws(NodeServiceError) {
            guard let reference = exchange.target.value("reference"), !reference.isEmpty else {
                throw .badRequest("reference: missing; name the image")
            }
            let image = try service.image(reference)
            guard var object = Self.json(image.summary).objectValue else { return }
            object.append("repoDigests", .strings(image.repoDigests))
            object.append("imported", .string(image.imported.rfc3339))
            object.append("pulled", .bool(image.isPulled))
            object.append("ownSize", .integer(image.ownSize))
            object.append("config", image.config)
            object.append(
                "layers", .array(image.layers.map { ["path": .string($0.path), "size": .integer($0.size)] }))
            exchange.respond(json: .object(object))
        } catch {
            exchange.respond(error)
        }
    }

    /// `GET /swiftlet/v1/images/usage`.
    func imageUsage(_ exchange: Exchange) {
        do throws(NodeServiceError) {
            let usage = try service.imageUsage()
            exchange.respond(json: [
                "images": .integer(usage.images), "used": .integer(usage.used), "layers": .integer(usage.layers),
                "bytes": .integer(usage.bytes), "reclaimableBytes": .integer(usage.reclaimable),
            ])
        } catch {
            exchange.respond(error)
        }
    }

    /// `POST /swiftlet/v1/images/prune[?all=true][&olderThanSeconds=][&dryRun=true]`.
    func pruneImages(_ exchange: Exchange) {
        guard let all = exchange.flag("all"), let isDry = exchange.flag("dryRun") else { return }
        let seconds: Int64
        do throws(NodeServiceError) {
            seconds = try LogOptions.number(exchange.target, "olderThanSeconds", atLeast: 0) ?? 0
        } catch {
            return exchange.respond(error)
        }
        service.pruneImages(all: all, olderThan: .seconds(min(seconds, 1 << 32)), isDry: isDry) { result in
            switch result {
            case .success(let pruning):
                exchange.respond(json: [
                    "untagged": .strings(pruning.removal.untagged), "deleted": .strings(pruning.removal.deleted),
                    "freedBytes": .integer(pruning.freed),
                ])
            case .failure(let error): exchange.respond(error)
            }
        }
    }

    private func removeImage(_ exchange: Exchange) {
        guard let reference = exchange.target.value("reference"), !reference.isEmpty else {
            return exchange.respond(.badRequest("reference: missing; name the image to remove"))
        }
        service.removeImage(reference) { result in
            switch result {
            case .success(let removal):
                exchange.respond(json: [
                    "untagged": .strings(removal.untagged), "deleted": .strings(removal.deleted),
                ])
            case .failure(let error): exchange.respond(error)
            }
        }
    }

    /// `POST /swiftlet/v1/images/load?path=` with the path of an archive on this machine, or with the archive as the
    /// body; `name` is what an image without a name in the archive gets.
    func loadImage(_ head: HTTPRequestHead, _ target: RequestTarget) -> Endpoint {
        guard head.method == "POST" else { return Self.wrongMethod(head, ["POST"]) }
        let name = target.value("name").flatMap { $0.isEmpty ? nil : $0 }
        guard let path = target.value("path") else {
            let service = service
            return upload { path, progress, completion in
                service.loadImage(path: path, name: name, progress: progress, completion: completion)
            }
        }
        return Endpoint { [service] exchange in
            guard path.hasPrefix("/") else {
                return exchange.respond(.badRequest("path: \"\(path)\" is not absolute"))
            }
            guard let isStream = exchange.flag("progress") else { return }
            let report = ImageReport(exchange, isStream: isStream)
            service.loadImage(path: path, name: name, progress: { report.progress($0) }) { report.finish($0) }
        }
    }

    static func answer(_ exchange: Exchange, _ result: Result<[ImageSummary], NodeServiceError>) {
        switch result {
        case .success(let images): exchange.respond(json: ["items": .array(images.map(Self.json))])
        case .failure(let error): exchange.respond(error)
        }
    }

    static func json(_ image: ImageSummary) -> JSONValue {
        var object = JSONObject()
        object.append("names", .strings(image.names))
        object.append("digest", .string(image.digest))
        object.append("id", .string(image.id))
        object.append("size", .integer(image.size))
        object.append("created", ifPresent: image.created.map { .string($0.rfc3339) })
        object.append("usedBy", .strings(image.usedBy))
        return .object(object)
    }
}
