import JSON

/// What the node does with a field.
enum FieldClass: Sendable {
    /// Carried out.
    case supported
    /// Accepted, listed by `validate`, and nothing is done: the field is a scheduler's or an API server's. `because`
    /// completes the sentence "without effect: ...".
    case withoutEffect(because: String)
    /// A manifest that sets it is refused: what it asks for would not happen. `because` says why and what to do;
    /// values in `unless` ask for nothing and are accepted.
    case refused(because: String, unless: [JSONValue])
}

/// The classes of one type's fields.
struct FieldClasses: Sendable {
    var supported: [String] = []
    var withoutEffect: [String: String] = [:]
    var refused: [String: String] = [:]
    /// Values of refused fields that ask for nothing.
    var unless: [String: [JSONValue]] = [:]

    func callAsFunction(_ field: String) -> FieldClass? {
        if supported.contains(field) { return .supported }
        if let reason = withoutEffect[field] { return .withoutEffect(because: reason) }
        if let reason = refused[field] { return .refused(because: reason, unless: unless[field] ?? []) }
        return nil
    }
}
