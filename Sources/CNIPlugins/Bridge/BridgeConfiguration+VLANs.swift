import CNITypes
import JSON
import Netlink

/// The keys `vlan`, `vlanTrunk` and `preserveDefaultVlan`.
extension BridgeConfiguration {
    /// Which VLANs the container's port of the bridge is of.
    struct VLANs: Sendable, Hashable {
        var wanted = BridgeVLANs()
        /// Whether it also stays in the one that the bridge gives to new ports.
        var keepsDefault = true

        /// - Throws: `JSONError` for numbers that are none of a VLAN, and for both kinds of ports at once.
        init?(_ root: JSONValue) throws(JSONError) {
            func fail(_ key: String, _ message: String) -> JSONError {
                JSONError("\(key): \(message)", at: root[key]?.position ?? root.position)
            }
            keepsDefault = try root.optionalBool("preserveDefaultVlan") ?? true
            if let number = try root.optionalInteger("vlan"), number != 0 {
                guard (1...4094).contains(number) else { throw fail("vlan", "expected 0 to 4094") }
                wanted.untagged = UInt16(number)
            }
            var tagged: Set<UInt16> = []
            for item in try root.optional("vlanTrunk", "a list", { $0.arrayValue }) ?? [] {
                tagged.formUnion(try Self.range(item))
            }
            wanted.tagged = tagged.sorted()
            guard wanted.untagged == nil || wanted.tagged.isEmpty else {
                throw fail("vlanTrunk", "it cannot be given together with vlan")
            }
            if wanted == BridgeVLANs() { return nil }
        }

        /// `{minID, maxID}`, `{id}`, or both.
        private static func range(_ item: JSONValue) throws(JSONError) -> Set<UInt16> {
            func number(_ key: String) throws(JSONError) -> UInt16? {
                guard let number = try item.optionalInteger(key) else { return nil }
                guard (1...4094).contains(number) else {
                    throw JSONError("vlanTrunk: \(key): expected 1 to 4094", at: item[key]?.position ?? item.position)
                }
                return UInt16(number)
            }
            let (first, last, single) = (try number("minID"), try number("maxID"), try number("id"))
            var found: Set<UInt16> = single.map { [$0] } ?? []
            switch (first, last) {
            case (let first?, let last?):
                guard first <= last else {
                    throw JSONError("vlanTrunk: minID is greater than maxID", at: item.position)
                }
                found.formUnion(first...last)
            case (nil, nil): break
            default: throw JSONError("vlanTrunk: minID and maxID go together", at: item.position)
            }
            return found
        }
    }
}
