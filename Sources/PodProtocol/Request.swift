import JSON

/// What the agent asks of a supervisor. Each is answered by one `Reply` with its id.
public struct Request: Hashable, Sendable {
    public var id: Int64
    public var body: Body

    public init(id: Int64, _ body: Body) {
        self.id = id
        self.body = body
    }

    public enum Body: Hashable, Sendable {
        /// Starts a container. Answered with its `ContainerState` once its program runs, or with why it does not.
        case start(StartContainer)
        /// Sends a signal to the container's first process. False in the reply when it had ended.
        case signal(container: String, signal: Int32)
        /// Kills all processes of the container.
        case kill(container: String)
        /// Answered with the `ContainerState` of every container not yet forgotten.
        case list
        /// As `list`; from then on this connection receives the events. No event is missed in between.
        case subscribe
        /// Turns this connection into the session of a new process in a container. Answered once it runs.
        case exec(ExecRequest)
        /// Turns this connection into a session of a running container itself. A supervisor that can has the feature
        /// `ProtocolVersion.attach`.
        case attach(AttachRequest)
        /// Sets the size of the terminal of this connection's session.
        case resize(TerminalSize)
        /// Drops the state and the exit record of an attempt that has ended.
        case forget(container: String, attempt: Int64)
        /// Ends the supervisor; refused with `busy` while a container runs.
        case shutdown
        /// A request of a newer agent.
        case unknown(String)
        /// A known request with wrong fields, with the words for the answer.
        case invalid(String)
    }

    init(type: String, json: JSONValue) throws(JSONError) {
        id = try json.requiredInteger("id")
        do {
            body = try Self.body(type: type, json: json)
        } catch {
            body = .invalid("\(type): \(error)")
        }
    }

    private static func body(type: String, json: JSONValue) throws(JSONError) -> Body {
        switch type {
        case "start": return .start(try StartContainer(json: json))
        case "signal":
            let signal = try json.requiredInteger("signal")
            guard (1...64).contains(signal) else { throw JSONError("signal: \(signal) is not a signal", at: .none) }
            return .signal(container: try json.requiredString("container"), signal: Int32(signal))
        case "kill": return .kill(container: try json.requiredString("container"))
        case "list": return .list
        case "subscribe": return .subscribe
        case "exec": return .exec(try ExecRequest(json: json))
        case "attach": return .attach(try AttachRequest(json: json))
        case "resize": return .resize(try TerminalSize(json: json))
        case "forget":
            return .forget(
                container: try json.requiredString("container"), attempt: try json.requiredInteger("attempt"))
        case "shutdown": return .shutdown
        default: return .unknown(type)
        }
    }

    var json: JSONValue {
        var object = JSONObject()
        func head(_ type: String) {
            object.append("type", .string(type))
            object.append("id", .integer(id))
        }
        switch body {
        case .start(let start):
            head("start")
            start.append(to: &object)
        case .signal(let container, let signal):
            head("signal")
            object.append("container", .string(container))
            object.append("signal", .integer(signal))
        case .kill(let container):
            head("kill")
            object.append("container", .string(container))
        case .list: head("list")
        case .subscribe: head("subscribe")
        case .exec(let exec):
            head("exec")
            exec.append(to: &object)
        case .attach(let attach):
            head("attach")
            attach.append(to: &object)
        case .resize(let size):
            head("resize")
            size.append(to: &object)
        case .forget(let container, let attempt):
            head("forget")
            object.append("container", .string(container))
            object.append("attempt", .integer(attempt))
        case .shutdown: head("shutdown")
        case .unknown(let type), .invalid(let type): head(type)
        }
        return .object(object)
    }
}
