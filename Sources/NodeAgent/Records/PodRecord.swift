import Base
import JSON
import Kube

/// What of one pod instance outlives the agent and the machine's power: who it is, what it runs, and how often.
public struct PodRecord: Hashable, Sendable {
    /// The version of this file's layout. A newer one is refused.
    static let schema: Int64 = 1

    public var uid: String
    /// The manifest file.
    public var source: String
    public var manifest: JSONValue
    /// How often the spec of this instance has been another, counted from 1.
    public var generation: Int64
    public var startTime: Timestamp
    /// It ended by itself and is not to run again.
    public var isFinished: Bool
    /// It was asked to end, and is not to run again whatever is left of it.
    public var isEnding: Bool
    /// It runs beside the instance whose place it is to take when it is ready.
    public var isSuccessor = false
    /// Why it failed, or is about to: what runs of it is to end.
    public var failure: PodFailure?
    /// Its containers are ended to begin again together.
    public var isRestartingAll = false
    /// The conditions that others than the node have set.
    public var conditions: [PodCondition] = []
    public var containers: [ContainerRecord]
    /// What it was given while it ran: what is known of it, and what was asked for.
    public var ephemeral: [ContainerRecord]
    public var ephemeralSpecs: [JSONValue]

    /// What is known of its containers of every kind.
    var everyContainer: [ContainerRecord] { containers + ephemeral }

    public init(
        uid: String, source: String, manifest: JSONValue, generation: Int64 = 1, startTime: Timestamp, isFinished: Bool,
        isEnding: Bool = false, failure: PodFailure? = nil, containers: [ContainerRecord],
        ephemeral: [ContainerRecord] = [], ephemeralSpecs: [JSONValue] = []
    ) {
        self.uid = uid
        self.source = source
        self.manifest = manifest
        self.generation = generation
        self.startTime = startTime
        self.isFinished = isFinished
        self.isEnding = isEnding
        self.failure = failure
        self.containers = containers
        self.ephemeral = ephemeral
        self.ephemeralSpecs = ephemeralSpecs
    }

    public var json: JSONValue {
        [
            "schema": .integer(Self.schema), "uid": .string(uid), "source": .string(source),
            "startTime": .integer(startTime.nanoseconds), "finished": .bool(isFinished), "ending": .bool(isEnding),
            "successor": .bool(isSuccessor), "restartingAll": .bool(isRestartingAll),
            "failure": failure.map { ["reason": .string($0.reason), "message": .string($0.message)] } ?? .null,
            "manifest": manifest, "generation": .integer(generation), "containers": .array(containers.map(\.json)),
            "conditions": .array(conditions.map(\.json)),
            "ephemeral": .array(ephemeral.map(\.json)), "ephemeralContainers": .array(ephemeralSpecs),
        ]
    }

    /// - Throws: `JSONError` when it is no record, or one of a newer version.
    public init(_ value: JSONValue) throws(JSONError) {
        let schema = try value.requiredInteger("schema")
        guard schema <= Self.schema else {
            throw JSONError("schema \(schema) is newer than \(Self.schema), which this version reads", at: .none)
        }
        uid = try value.requiredString("uid")
        source = try value.requiredString("source")
        startTime = Timestamp(nanoseconds: try value.requiredInteger("startTime"))
        isFinished = try value.optionalBool("finished") ?? false
        isEnding = try value.optionalBool("ending") ?? false
        isSuccessor = try value.optionalBool("successor") ?? false
        isRestartingAll = try value.optionalBool("restartingAll") ?? false
        if let failure = value["failure"], !failure.isNull {
            self.failure = PodFailure(
                reason: try failure.requiredString("reason"), message: try failure.requiredString("message"))
        }
        manifest = try value.required("manifest", "an object") { $0.objectValue == nil ? nil : $0 }
        // An agent that replaced pods for every edit did not write of it.
        generation = try value.optionalInteger("generation") ?? 1
        containers = []
        for container in try value.required("containers", "a list", { $0.arrayValue }) {
            containers.append(try ContainerRecord(container))
        }
        ephemeral = []
        for container in value["ephemeral"]?.arrayValue ?? [] { ephemeral.append(try ContainerRecord(container)) }
        ephemeralSpecs = value["ephemeralContainers"]?.arrayValue ?? []
        conditions = (value["conditions"]?.arrayValue ?? []).map { PodCondition($0) }
    }
}

extension ContainerRecord {
    var json: JSONValue {
        var object = JSONObject()
        object.append("name", .string(name))
        object.append("image", .string(image))
        object.append("init", .bool(isInit))
        object.append("restartCount", .integer(restartCount))
        object.append("begun", .bool(hasBegun))
        object.append("containerID", ifPresent: containerID.map { .string($0) })
        object.append("imageID", ifPresent: imageID.map { .string($0) })
        if !layers.isEmpty { object.append("layers", .strings(layers)) }
        if isPostStarting { object.append("postStarting", true) }
        if hasPreStopped { object.append("preStopped", true) }
        if isHeld { object.append("stopped", true) }
        if mustRunAgain { object.append("mustRunAgain", true) }
        if hasFailedProbe { object.append("failedProbe", true) }
        object.append("heldUntil", ifPresent: heldUntil.map { .integer($0.nanoseconds) })
        object.append("backOff", ifPresent: backOff.last.map { .integer($0.count) })
        switch state {
        case .waiting(let reason, let message):
            object.append("waitingReason", ifPresent: reason.map { .string($0) })
            object.append("waitingMessage", ifPresent: message.map { .string($0) })
        case .starting: object.append("starting", true)
        case .running(let since):
            object.append("runningSince", .integer(since.nanoseconds))
            object.append("started", .bool(isStarted))
            object.append("ready", .bool(isReady))
        case .terminated(let end): object.append("terminated", end.json)
        }
        object.append("lastTermination", ifPresent: lastTermination?.json)
        if let user {
            object.append(
                "user",
                [
                    "uid": .integer(user.uid), "gid": .integer(user.gid),
                    "groups": .array(user.groups.map { .integer($0) }),
                ])
        }
        return .object(object)
    }

    init(_ value: JSONValue) throws(JSONError) {
        self.init(
            name: try value.requiredString("name"), image: try value.requiredString("image"),
            isInit: try value.optionalBool("init") ?? false)
        restartCount = Int(clamping: try value.requiredInteger("restartCount"))
        hasBegun = try value.optionalBool("begun") ?? false
        containerID = try value.optionalString("containerID")
        imageID = try value.optionalString("imageID")
        layers = try value.optionalStrings("layers") ?? []
        isPostStarting = try value.optionalBool("postStarting") ?? false
        hasPreStopped = try value.optionalBool("preStopped") ?? false
        isHeld = try value.optionalBool("stopped") ?? false
        mustRunAgain = try value.optionalBool("mustRunAgain") ?? false
        heldUntil = try value.optionalInteger("heldUntil").map { BootInstant(nanoseconds: $0) }
        backOff = CrashLoopBackOff(last: try value.optionalInteger("backOff").map { Nanoseconds($0) })
        if let since = try value.optionalInteger("runningSince") {
            state = .running(since: Timestamp(nanoseconds: since))
            // An agent that ran no probes did not write of them.
            isStarted = try value.optionalBool("started") ?? true
            isReady = try value.optionalBool("ready") ?? !isInit
        } else if let end = value["terminated"] {
            state = .terminated(try Termination(end))
        } else if try value.optionalBool("starting") ?? false {
            state = .starting
        } else {
            state = .waiting(
                reason: try value.optionalString("waitingReason"), message: try value.optionalString("waitingMessage"))
        }
        hasFailedProbe = try value.optionalBool("failedProbe") ?? false
        if let last = value["lastTermination"] { lastTermination = try Termination(last) }
        if let user = value["user"] {
            self.user = User(
                uid: UInt32(truncatingIfNeeded: try user.requiredInteger("uid")),
                gid: UInt32(truncatingIfNeeded: try user.requiredInteger("gid")),
                groups: user["groups"]?.arrayValue?.compactMap {
                    $0.integerValue.map { UInt32(truncatingIfNeeded: $0) }
                }
                    ?? [])
        }
    }
}

extension ContainerRecord.Termination {
    var json: JSONValue {
        var object = JSONObject()
        object.append("exitCode", .integer(exitCode))
        object.append("signal", .integer(signal))
        object.append("reason", .string(reason))
        object.append("message", ifPresent: message.map { .string($0) })
        object.append("startedAt", ifPresent: startedAt.map { .integer($0.nanoseconds) })
        object.append("finishedAt", .integer(finishedAt.nanoseconds))
        object.append("containerID", ifPresent: containerID.map { .string($0) })
        return .object(object)
    }

    init(_ value: JSONValue) throws(JSONError) {
        self.init(
            exitCode: Int32(truncatingIfNeeded: try value.requiredInteger("exitCode")),
            signal: Int32(truncatingIfNeeded: try value.optionalInteger("signal") ?? 0),
            reason: try value.requiredString("reason"), message: try value.optionalString("message"),
            startedAt: try value.optionalInteger("startedAt").map { Timestamp(nanoseconds: $0) },
            finishedAt: Timestamp(nanoseconds: try value.requiredInteger("finishedAt")),
            containerID: try value.optionalString("containerID"))
    }
}
