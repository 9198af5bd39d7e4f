import Base
import CCap
import CLinux

/// A set of capabilities.
public struct CapabilitySet: Hashable, Sendable {
    public private(set) var bits: UInt64

    public init(bits: UInt64 = 0) { self.bits = bits }

    public init(_ capabilities: some Sequence<Capability>) {
        bits = capabilities.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
    }

    /// By names; the first one that is unknown is returned as the failure.
    public static func named(_ names: some Sequence<String>) -> Result<CapabilitySet, UnknownCapability> {
        var set = CapabilitySet()
        for name in names {
            guard let capability = Capability(name: name) else { return .failure(UnknownCapability(name: name)) }
            set.insert(capability)
        }
        return .success(set)
    }

    /// All that the running kernel has.
    public static var all: CapabilitySet {
        CapabilitySet(bits: ~0 >> UInt64(63 - Capability.last.rawValue))
    }

    public func contains(_ capability: Capability) -> Bool { bits & 1 << UInt64(capability.rawValue) != 0 }
    public mutating func insert(_ capability: Capability) { bits |= 1 << UInt64(capability.rawValue) }
    public func intersection(_ other: Self) -> Self { CapabilitySet(bits: bits & other.bits) }
    public func union(_ other: Self) -> Self { CapabilitySet(bits: bits | other.bits) }
    public func subtracting(_ other: Self) -> Self { CapabilitySet(bits: bits & ~other.bits) }
    public var isEmpty: Bool { bits == 0 }

    /// In numeric order.
    public var members: [Capability] {
        (0..<64).filter { bits & 1 << UInt64($0) != 0 }.map { Capability(rawValue: Int32($0)) }
    }
}

/// A capability name that is not known.
public struct UnknownCapability: Error, Hashable, Sendable {
    public let name: String
}

/// The capability sets of this (single-threaded) process.
public enum ProcessCapabilities {
    /// What the process may still use or give to others.
    public static func permitted() throws(SystemError) -> CapabilitySet {
        guard let state = cap_get_proc() else { throw SystemError("read the capabilities of", "this process") }
        defer { cap_free(UnsafeMutableRawPointer(state)) }
        var set = CapabilitySet()
        for number in 0...Capability.last.rawValue {
            var value = CAP_CLEAR
            if cap_get_flag(state, number, CAP_PERMITTED, &value) == 0, value == CAP_SET {
                set.insert(Capability(rawValue: number))
            }
        }
        return set
    }

    /// Removes all but `kept` from the bounding set, for good.
    public static func limitBounding(to kept: CapabilitySet) throws(SystemError) {
        for capability in CapabilitySet.all.subtracting(kept).members {
            // What is not in the set need not leave it; dropping it would ask for CAP_SETPCAP all the same.
            if cap_get_bound(capability.rawValue) != 1 { continue }
            try retrying("drop from the bounding set", capability.name) { cap_drop_bound(capability.rawValue) }
        }
    }

    /// Sets the three sets at once.
    public static func set(
        permitted: CapabilitySet, effective: CapabilitySet, inheritable: CapabilitySet = CapabilitySet()
    ) throws(SystemError) {
        guard let state = cap_init() else { throw SystemError("allocate", "capabilities", .noMemory) }
        defer { cap_free(UnsafeMutableRawPointer(state)) }
        for (flag, set) in [(CAP_PERMITTED, permitted), (CAP_EFFECTIVE, effective), (CAP_INHERITABLE, inheritable)] {
            let numbers = set.members.map(\.rawValue)
            if numbers.isEmpty { continue }
            try retrying("prepare", "capabilities") {
                cap_set_flag(state, flag, Int32(numbers.count), numbers, CAP_SET)
            }
        }
        try retrying("set", "capabilities") { cap_set_proc(state) }
    }

    /// Raises capabilities that an unprivileged program keeps over exec; they must be permitted and inheritable.
    public static func raiseAmbient(_ set: CapabilitySet) throws(SystemError) {
        for capability in set.members {
            try retrying("raise the ambient capability", capability.name) {
                cap_set_ambient(capability.rawValue, CAP_SET)
            }
        }
    }
}
