import Base
import Images

/// An image that is pulled for a container.
public struct ContainerPull: Hashable, Sendable {
    public var container: String
    /// As the manifest names it.
    public var image: String
    public var began: BootInstant
    public var progress = PullProgress(.resolving)
}

extension PullProgress {
    /// Bytes of layers that have come, and those of all; nil as long as it is not known what there is.
    public var bytes: (done: Int64, total: Int64)? {
        if layers.isEmpty { return nil }
        return layers.reduce(into: (0, 0)) { sums, layer in
            sums.done += layer.done
            sums.total += layer.total
        }
    }

    /// For people.
    var summary: String {
        switch phase {
        case .resolving: return "the registry is asked"
        case .unpacking: return "it is unpacked"
        case .downloading:
            guard let (done, total) = bytes, total > 0 else { return "it is downloaded" }
            return "\(done) of \(total) bytes (\(done * 100 / total)%)"
        }
    }
}
