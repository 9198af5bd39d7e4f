import JSON

/// Ends what `watchPods` or `watchEvents` began.
public final class Subscription {
    private var onCancel: (() -> Void)?

    public init(onCancel: @escaping () -> Void) { self.onCancel = onCancel }

    /// Ends the calls. A second time does nothing.
    public func cancel() {
        let action = onCancel
        onCancel = nil
        action?()
    }

    deinit { onCancel?() }
}

/// A change of an object.
public struct WatchEvent: Sendable {
    public enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
    }

    public var kind: Kind
    /// The object after the change; for `deleted`, its last state.
    public var object: JSONValue

    public init(_ kind: Kind, _ object: JSONValue) {
        self.kind = kind
        self.object = object
    }
}
