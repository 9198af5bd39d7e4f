import Base
import JSON

/// One attempt of a container, as its supervisor knows it. Also the content of an exit record.
public struct ContainerState: Hashable, Sendable {
    public var container: String
    public var attempt: Int64
    public var id: String
    public var phase: Phase
    /// Its first process in the host's pid namespace; 0 when there never was one.
    public var pid: Int64
    /// When its program began to run; nil when it never did.
    public var startedAt: Timestamp?
    /// Who it runs as, once looked up.
    public var user: ResolvedUser?
    public var stopSignal: Int32?
    /// Lines of its output that could not be written.
    public var droppedLogLines: Int64

    public init(
        container: String, attempt: Int64, id: String, phase: Phase, pid: Int64 = 0, startedAt: Timestamp? = nil,
        user: ResolvedUser? = nil, stopSignal: Int32? = nil, droppedLogLines: Int64 = 0
    ) {
        self.container = container
        self.attempt = attempt
        self.id = id
        self.phase = phase
        self.pid = pid
        self.startedAt = startedAt
        self.user = user
        self.stopSignal = stopSignal
        self.droppedLogLines = droppedLogLines
    }

    public enum Phase: Hashable, Sendable {
        /// Its process is being set up.
        case starting
        case running
        case exited(Exit)
        /// Its program never ran.
        case failed(RequestFailure, at: Timestamp)
    }

    /// How a container ended.
    public struct Exit: Hashable, Sendable {
        /// The exit status; 128 + the signal when one killed it.
        public var code: Int32
        /// The signal that killed it, or 0.
        public var signal: Int32
        /// The kernel killed a process of it for memory while it ran.
        public var oomKilled: Bool
        public var finishedAt: Timestamp

        public init(code: Int32, signal: Int32, oomKilled: Bool, finishedAt: Timestamp) {
            self.code = code
            self.signal = signal
            self.oomKilled = oomKilled
            self.finishedAt = finishedAt
        }
    }

    /// The ids a container runs with.
    public struct ResolvedUser: Hashable, Sendable {
        public var uid: UInt32
        public var gid: UInt32
        public var groups: [UInt32]

        public init(uid: UInt32, gid: UInt32, groups: [UInt32] = []) {
            self.uid = uid
            self.gid = gid
            self.groups = groups
        }
    }

    public var isRunning: Bool { phase == .running || phase == .starting }

    /// Reads a state, or an exit record.
    ///
    /// - Throws: `JSONError`; also for a record with a newer schema number.
    public init(json: JSONValue) throws(JSONError) {
        if let schema = try json.optionalInteger("schema"), schema > ProtocolVersion.schema {
            throw JSONError(
                "schema \(schema) is newer than \(ProtocolVersion.schema), which this build reads", at: json.position)
        }
        container = try json.requiredString("container")
        attempt = try json.requiredInteger("attempt")
        id = try json.requiredString("containerID")
        pid = try json.optionalInteger("pid") ?? 0
        startedAt = try json.optionalInteger("startedAt").map { Timestamp(nanoseconds: $0) }
        droppedLogLines = try json.optionalInteger("droppedLogLines") ?? 0
        stopSignal = try json.optional("stopSignal", "a signal number") {
            $0.integerValue.flatMap { Int32(exactly: $0) }
        }
        if let user = try json.optional("user", "an object", { $0.objectValue == nil ? nil : $0 }) {
            self.user = ResolvedUser(
                uid: try user.required("uid", "a user id") { $0.integerValue.flatMap { UInt32(exactly: $0) } },
                gid: try user.required("gid", "a group id") { $0.integerValue.flatMap { UInt32(exactly: $0) } },
                groups: try user.optional("groups", "a list of group ids", groupList) ?? [])
        }
        let finishedAt = Timestamp(nanoseconds: try json.optionalInteger("finishedAt") ?? 0)
        switch try json.requiredString("state") {
        case "starting": phase = .starting
        case "running": phase = .running
        case "exited":
            phase = .exited(
                Exit(
                    code: Int32(clamping: try json.requiredInteger("code")),
                    signal: Int32(clamping: try json.optionalInteger("signal") ?? 0),
                    oomKilled: try json.optionalBool("oomKilled") ?? false, finishedAt: finishedAt))
        case "failed":
            let error = try json.required("error", "an object") { $0.objectValue == nil ? nil : $0 }
            phase = .failed(try RequestFailure(json: error), at: finishedAt)
        case let other: throw JSONError("state: unknown value \"\(other)\"", at: json.position)
        }
    }

    public var json: JSONValue { .object(object) }

    /// The state as the file that is left behind when a container has ended.
    public var record: JSONValue {
        var record = JSONObject()
        record.append("schema", .integer(ProtocolVersion.schema))
        for member in object.members { record.append(member.key, member.value) }
        return .object(record)
    }

    private var object: JSONObject {
        var object = JSONObject()
        object.append("container", .string(container))
        object.append("attempt", .integer(attempt))
        object.append("containerID", .string(id))
        #if SWIFTLET_PROTOCOL_NEXT
            object.append(ProtocolVersion.nextField.name, ProtocolVersion.nextField.value)
        #endif
        let word =
            switch phase {
            case .starting: "starting"
            case .running: "running"
            case .exited: "exited"
            case .failed: "failed"
            }
        object.append("state", .string(word))
        object.append("pid", .integer(pid))
        object.append("startedAt", ifPresent: startedAt.map { .integer($0.nanoseconds) })
        switch phase {
        case .starting, .running: break
        case .exited(let exit):
            object.append("finishedAt", .integer(exit.finishedAt.nanoseconds))
            object.append("code", .integer(exit.code))
            object.append("signal", .integer(exit.signal))
            object.append("oomKilled", .bool(exit.oomKilled))
        case .failed(let failure, let at):
            object.append("finishedAt", .integer(at.nanoseconds))
            object.append("error", failure.json)
        }
        if let user {
            object.append(
                "user",
                [
                    "uid": .integer(user.uid), "gid": .integer(user.gid),
                    "groups": .array(user.groups.map { .integer($0) }),
                ])
        }
        object.append("stopSignal", ifPresent: stopSignal.map { .integer($0) })
        object.append("droppedLogLines", .integer(droppedLogLines))
        return object
    }
}
