import Base
import Kube

/// The events of the node's pods as v1 Events: repeated ones are counted up, the newest are kept.
@LoopActor
public final class EventRecorder {
    private struct Identity: Hashable {
        var uid: String
        var container: String?
        var reason: String
        var message: String
    }

    static let capacity = 1000

    private let host: String
    private var events: [Event] = []
    private var places: [Identity: Int] = [:]
    private var identities: [Identity] = []
    /// How many were dropped at the front: places count from the first event ever.
    private var dropped = 0
    private var serial = 0
    private var observers: [Int: (Event, Bool) -> Void] = [:]
    private var nextObserver = 0

    public init(host: String) { self.host = host }

    /// All that are kept, oldest first.
    public var all: [Event] { events }

    /// Calls `handler` with each new event (true) or counted-up one (false). The result ends that.
    public func observe(_ handler: @escaping (Event, Bool) -> Void) -> () -> Void {
        let id = nextObserver
        nextObserver += 1
        observers[id] = handler
        return { [weak self] in self?.observers[id] = nil }
    }

    func record(_ note: EventNote, pod: Pod) {
        let now = Timestamp.now
        let identity = Identity(
            uid: pod.metadata.uid, container: note.container, reason: note.reason, message: note.message)
        if let place = places[identity], place >= dropped {
            let i = place - dropped
            events[i].count = events[i].count == .max ? .max : events[i].count + 1
            events[i].lastTimestamp = now
            return notify(events[i], isNew: false)
        }
        serial += 1
        var object = ObjectReference(
            kind: "Pod", name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid)
        if let container = note.container {
            let isInit = pod.spec.initContainers.contains { $0.name == container }
            object.fieldPath = "spec.\(isInit ? "initContainers" : "containers"){\(container)}"
        }
        let suffix = String(UInt64(bitPattern: now.nanoseconds), radix: 16) + String(serial, radix: 16)
        let event = Event(
            metadata: ObjectMeta(name: "\(pod.metadata.name).\(suffix)", namespace: pod.metadata.namespace),
            involvedObject: object, type: note.isWarning ? .warning : .normal, reason: note.reason,
            message: note.message, at: now, component: "kubelet", host: host)
        places[identity] = dropped + events.count
        identities.append(identity)
        events.append(event)
        if events.count > Self.capacity {
            events.removeFirst()
            dropped += 1
            let old = identities.removeFirst()
            if let place = places[old], place < dropped { places[old] = nil }
        }
        notify(event, isNew: true)
    }

    private func notify(_ event: Event, isNew: Bool) {
        for handler in observers.values { handler(event, isNew) }
    }
}
