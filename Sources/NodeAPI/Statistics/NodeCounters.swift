import Kube

/// What the agent has counted since it started, under the kubelet's names where it has one.
public struct NodeCounters: Sendable {
    /// A histogram of seconds: how many were no longer than each bound.
    public struct Histogram: Sendable, Equatable {
        public let bounds: [Double]
        /// By bound, not added up; the last is beyond all bounds.
        public private(set) var counts: [UInt64]
        public private(set) var sum = 0.0

        public init(bounds: [Double]) {
            self.bounds = bounds
            counts = [UInt64](repeating: 0, count: bounds.count + 1)
        }

        public mutating func observe(_ value: Double) {
            counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
            sum += value
        }
    }

    /// Pods that began to be made.
    public var startedPods: UInt64 = 0
    /// Containers that were started, and that could not be.
    public var startedContainers: UInt64 = 0
    public var startedInitContainers: UInt64 = 0
    public var startErrors: UInt64 = 0
    /// From when a pod was first seen to when it was Running. The kubelet's bounds, and finer ones below.
    public var startDuration = Histogram(bounds: [
        0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480,
        600, 900, 1200, 1800, 2700, 3600,
    ])

    public init() {}

    /// Counts what an event of a pod tells.
    public mutating func count(_ event: Event) {
        let isInit = event.involvedObject.fieldPath?.hasPrefix("spec.initContainers") == true
        switch event.reason {
        case "Started" where isInit: startedInitContainers += 1
        case "Started": startedContainers += 1
        // An image that cannot be pulled has an event of the same reason besides.
        case "Failed" where event.message.hasPrefix("Error: "): startErrors += 1
        default: break
        }
    }
}
