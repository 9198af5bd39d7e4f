import JSON

/// A message of channel 0.
public enum Message: Hashable, Sendable {
    case hello(Hello)
    case request(Request)
    case reply(Reply)
    case event(PodEvent)
    /// An event of a newer supervisor, by name: to be skipped.
    case unknownEvent(String)

    /// Reads a message.
    ///
    /// - Throws: `JSONError` when the bytes are no message; the connection cannot be trusted then. A well-formed
    ///   request that this build does not know or whose fields are wrong is a `Request` with such a body.
    public init(_ bytes: [UInt8]) throws(JSONError) {
        let json = try JSONParser.parse(bytes, limits: .init(bytes: Frame.maximumLength, depth: 64))
        switch try json.requiredString("type") {
        case "hello": self = .hello(try Hello(json: json))
        case "reply": self = .reply(try Reply(json: json))
        case "event":
            let name = try json.requiredString("event")
            if let event = try PodEvent(name: name, json: json) {
                self = .event(event)
            } else {
                self = .unknownEvent(name)
            }
        case let type: self = .request(try Request(type: type, json: json))
        }
    }

    public var json: JSONValue {
        switch self {
        case .hello(let hello): hello.json
        case .request(let request): request.json
        case .reply(let reply): reply.json
        case .event(let event): event.json
        case .unknownEvent(let name): ["type": "event", "event": .string(name)]
        }
    }

    /// The message as a frame of the control channel, appended to `out`.
    public func appendFrame(to out: inout [UInt8]) { Frame.append(.control, JSONWriter().bytes(json), to: &out) }

    public var frame: Frame { Frame(.control, JSONWriter().bytes(json)) }
}
