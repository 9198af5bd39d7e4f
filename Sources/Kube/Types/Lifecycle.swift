import JSON

/// core/v1.Lifecycle: what is done when a container has begun, and before it is asked to end.
public struct Lifecycle: KubeValue {
    public var postStart: LifecycleHandler?
    public var preStop: LifecycleHandler?
    /// A name as `SIGUSR1`; the image's, or SIGTERM, when nil.
    public var stopSignal: String?

    public init(postStart: LifecycleHandler? = nil, preStop: LifecycleHandler? = nil, stopSignal: String? = nil) {
        self.postStart = postStart
        self.preStop = preStop
        self.stopSignal = stopSignal
    }

    public init(_ value: JSONValue) {
        self.init(
            postStart: value.value("postStart"), preStop: value.value("preStop"), stopSignal: value.text("stopSignal"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("postStart", postStart)
        object.put("preStop", preStop)
        object.put("stopSignal", stopSignal)
        return .object(object)
    }

    /// The names that `stopSignal` can have.
    static let stopSignals: [String] = {
        let names = [
            "ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE",
            "POLL",
            "PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG",
            "USR1",
            "USR2", "VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", "RTMAX",
        ]
        let realTime = (1...15).map { "RTMIN+\($0)" } + (1...14).map { "RTMAX-\($0)" }
        return (names + realTime).map { "SIG" + $0 }
    }()
}

/// core/v1.LifecycleHandler: one of these.
public struct LifecycleHandler: KubeValue {
    public var exec: ExecAction?
    public var httpGet: HTTPGetAction?
    public var sleep: SleepAction?
    /// Kept from older versions; it always fails.
    public var tcpSocket: TCPSocketAction?

    public init(
        exec: ExecAction? = nil, httpGet: HTTPGetAction? = nil, sleep: SleepAction? = nil,
        tcpSocket: TCPSocketAction? = nil
    ) {
        self.exec = exec
        self.httpGet = httpGet
        self.sleep = sleep
        self.tcpSocket = tcpSocket
    }

    public init(_ value: JSONValue) {
        self.init(
            exec: value.value("exec"), httpGet: value.value("httpGet"), sleep: value.value("sleep"),
            tcpSocket: value.value("tcpSocket"))
    }

    public var json: JSONValue {
        var object = JSONObject()
        object.put("exec", exec)
        object.put("httpGet", httpGet)
        object.put("sleep", sleep)
        object.put("tcpSocket", tcpSocket)
        return .object(object)
    }
}

/// core/v1.SleepAction.
public struct SleepAction: KubeValue {
    public var seconds: Int64

    public init(seconds: Int64) { self.seconds = seconds }

    public init(_ value: JSONValue) { self.init(seconds: value.integer("seconds") ?? 0) }

    public var json: JSONValue { ["seconds": .integer(seconds)] }
}
