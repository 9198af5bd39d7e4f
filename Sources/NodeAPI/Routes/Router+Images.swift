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
            let upload = ImageUpload(service: service, name: name)
            return Endpoint(
                body: .init(
                    limit: ImageUpload.mostBytes, receive: { upload.receive($0, $1) }, abort: { upload.abort() }),
                run: { upload.complete($0) })
        }
        return Endpoint { [service] exchange in
            guard path.hasPrefix("/") else {
                return exchange.respond(.badRequest("path: \"\(path)\" is not absolute"))
            }
            service.loadImage(path: path, name: name) { Self.answer(exchange, $0) }
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
