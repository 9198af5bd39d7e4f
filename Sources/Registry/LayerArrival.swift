/// How much of a layer is in its file.
public enum LayerArrival: Hashable, Sendable {
    /// So many bytes; fewer than before when it began anew.
    case bytes(Int64)
    /// All, and they have the digest that they should have.
    case complete
}
