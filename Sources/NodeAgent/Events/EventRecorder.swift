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
        if countUp(identity, now) { return }
        var object = ObjectReference(
            kind: "Pod", name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid)
        if let container = note.container {
            object.fieldPath = "spec.\(pod.spec.list(of: container)){\(container)}"
        }
        add(
            identity, object, namespace: pod.metadata.namespace, type: note.isWarning ? .warning : .normal, now)
    }

    /// Records a warning about the node itself, as the kubelet does: in the namespace `default`.
    func recordNode(_ reason: String, _ message: String) {
        let now = Timestamp.now
        let identity = Identity(uid: host, container: nil, reason: reason, message: message)
        if countUp(identity, now) { return }
        let object = ObjectReference(kind: "Node", name: host, namespace: "", uid: host)
        add(identity, object, namespace: "default", type: .warning, now)
    }

    /// Counts an event up that is known; false for a new one.
    private func countUp(_ identity: Identity, _ now: Timestamp) -> Bool {
        if let place = places[identity], place >= dropped {
            let i = place - dropped
            events[i].count = events[i].count == .max ? .max : events[i].count + 1
            events[i].lastTimestamp = now
            notify(events[i], isNew: false)
            return true
        }
        return false
    }

    private func add(
        _ identity: Identity, _ object: ObjectReference, namespace: String, type: Event.EventType, _ now: Timestamp
    ) {
        serial += 1
        let suffix = String(UInt64(bitPattern: now.nanoseconds), radix: 16) + String(serial, radix: 16)
        let event = Event(
            metadata: ObjectMeta(name: "\(object.name).\(suffix)", namespace: namespace),
            involvedObject: object, type: type, reason: identity.reason,
            message: identity.message, at: now, component: "kubelet", host: host)
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
