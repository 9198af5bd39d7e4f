import CNITypes
import JSON
import Netlink

/// What the plugin `bandwidth` is configured to do.
struct BandwidthConfiguration: Sendable, Hashable {
    /// A limit as it is asked for.
    struct Limit: Sendable, Hashable {
        /// Bits a second.
        var rate: UInt64
        /// Bits.
        var burst: UInt64
    }

    /// Of what the container receives.
    var ingress: Limit?
    /// Of what it sends.
    var egress: Limit?
    /// By the address of the other side.
    var scope = TrafficShaper.Scope.all

    /// The keys stand in the configuration itself, or, where none of them does, in what the runtime says.
    ///
    /// - Throws: `CNIError` 7.
    init(_ configuration: NetworkConfiguration) throws(CNIError) {
        let root = JSONValue.object(configuration.raw)
        self = try reading("the bandwidth configuration of network \(configuration.name)") {
            () throws(JSONError) -> BandwidthConfiguration in
            if Self.keys.contains(where: { root[$0].map { !$0.isNull } ?? false }) {
                return try BandwidthConfiguration(root)
            }
            func object(_ value: JSONValue?, _ key: String) throws(JSONError) -> JSONValue? {
                try value?.optional(key, "an object") { $0.objectValue.map { JSONValue.object($0) } }
            }
            let runtime = try object(object(root, "runtimeConfig"), "bandwidth")
            return try BandwidthConfiguration(runtime ?? .object(JSONObject()))
        }
    }

    private static let keys = [
        "ingressRate", "ingressBurst", "egressRate", "egressBurst", "unshapedSubnets", "shapedSubnets",
    ]

    private init(_ value: JSONValue) throws(JSONError) {
        ingress = try Self.limit(value, "ingressRate", "ingressBurst")
        egress = try Self.limit(value, "egressRate", "egressBurst")
        let except = try Self.networks(value, "unshapedSubnets")
        let only = try Self.networks(value, "shapedSubnets")
        guard except.isEmpty || only.isEmpty else {
            throw JSONError("shapedSubnets: it cannot be given together with unshapedSubnets", at: value.position)
        }
        if !except.isEmpty { scope = .except(except) }
        if !only.isEmpty { scope = .only(only) }
    }

    private static func limit(_ value: JSONValue, _ rateKey: String, _ burstKey: String) throws(JSONError) -> Limit? {
        func number(_ key: String) throws(JSONError) -> UInt64 {
            let number = try value.optionalInteger(key) ?? 0
            guard let bits = UInt64(exactly: number) else {
                throw JSONError("\(key): expected bits, not \(number)", at: value[key]?.position ?? value.position)
            }
            return bits
        }
        let limit = Limit(rate: try number(rateKey), burst: try number(burstKey))
        guard (limit.rate == 0) == (limit.burst == 0) else {
            let (given, missing) = limit.rate == 0 ? (burstKey, rateKey) : (rateKey, burstKey)
            throw JSONError("\(given): it needs \(missing)", at: value[given]?.position ?? value.position)
        }
        guard limit.rate > 0 else { return nil }
        guard limit.rate >= 8 else {
            throw JSONError("\(rateKey): less than a byte a second", at: value[rateKey]?.position ?? value.position)
        }
        guard limit.burst / 8 < UInt64(UInt32.max) else {
            throw JSONError("\(burstKey): more than 4 GB", at: value[burstKey]?.position ?? value.position)
        }
        return limit
    }

    private static func networks(_ value: JSONValue, _ key: String) throws(JSONError) -> [TrafficShaper.Network] {
        var networks: [TrafficShaper.Network] = []
        for text in try value.optionalStrings(key) ?? [] {
            guard let prefix = IPPrefix(text) else {
                throw JSONError("\(key): \"\(text)\" is no network", at: value[key]?.position ?? value.position)
            }
            networks.append(.init(prefix.network.address, prefixLength: prefix.length))
        }
        return networks
    }

    /// The queue of an interface that sends what is limited.
    ///
    /// - Parameters:
    ///   - key: the burst's, for an error's words.
    ///   - link: the interface.
    /// - Throws: `CNIError` 7 when no packet would ever pass.
    func shaper(
        _ limit: Limit, side: TrafficShaper.Side, burst key: String, on link: Link
    ) throws(CNIError) -> TrafficShaper {
        // With the frame's header.
        let packet = link.mtu + 14
        guard limit.burst / 8 >= UInt64(packet) else {
            throw CNIError(
                .invalidConfiguration, "\(key) is \(limit.burst) bits, less than a packet: large ones would never pass",
                details: "\(link.name) sends packets of up to \(packet) bytes: give at least \(packet * 8)")
        }
        return TrafficShaper(rate: limit.rate / 8, burst: UInt32(clamping: limit.burst / 8), scope: scope, side: side)
    }
}
