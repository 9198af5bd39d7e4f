import CNITypes
import JSON

/// Addresses of a subnet that are given out.
struct AddressRange: Sendable, Hashable, CustomStringConvertible {
    let subnet: IPPrefix
    /// The first and the last that is given out.
    let first: [UInt8]
    let last: [UInt8]
    /// Never given out.
    let gateway: [UInt8]

    /// Reads `subnet`, `rangeStart`, `rangeEnd` and `gateway` of an object.
    init(_ value: JSONValue) throws(JSONError) {
        func fail(_ message: String) -> JSONError { JSONError("subnet: \(message)", at: value.position) }
        let subnet = try value.required("subnet", "a network with its prefix length") {
            $0.stringValue.flatMap { IPPrefix($0) }
        }
        guard subnet.length <= subnet.address.count * 8 - 2 else {
            throw fail("\(subnet) is too small to give addresses out of")
        }
        guard subnet.network == subnet else {
            throw fail("\(subnet) has bits set behind its prefix; the network is \(subnet.network)")
        }
        // Their addresses have several texts, and a text names a lease.
        guard !subnet.isIPv6 || subnet.address.prefix(10).contains(where: { $0 != 0 }) else {
            throw fail("\(subnet) stands for IPv4 addresses; give those")
        }
        self.subnet = subnet
        let second = IPPrefix.successor(subnet.address) ?? subnet.address
        first = try Self.address(value, "rangeStart", of: subnet) ?? second
        var last = subnet.lastAddress
        // The broadcast address.
        if !subnet.isIPv6 { last[3] -= 1 }
        self.last = try Self.address(value, "rangeEnd", of: subnet) ?? last
        guard !IPPrefix.precedes(self.last, first) else {
            throw JSONError("rangeStart: it comes after rangeEnd", at: value.position)
        }
        gateway = try Self.address(value, "gateway", of: nil) ?? second
        guard gateway.count == subnet.address.count else {
            throw JSONError("gateway: it is not of the subnet's family", at: value.position)
        }
    }

    private static func address(_ value: JSONValue, _ key: String, of subnet: IPPrefix?) throws(JSONError) -> [UInt8]? {
        guard let text = try value.optionalString(key), !text.isEmpty else { return nil }
        guard let address = IPPrefix.parse(text) else {
            throw JSONError("\(key): expected an address", at: value.position)
        }
        if let subnet, !subnet.contains(address) {
            throw JSONError("\(key): \(text) is not in the subnet \(subnet)", at: value.position)
        }
        return address
    }

    /// Whether `address` can be given out of it. (Not the gateway, but that is for the caller to say.)
    func contains(_ address: [UInt8]) -> Bool {
        address.count == first.count && !IPPrefix.precedes(address, first) && !IPPrefix.precedes(last, address)
    }

    func overlaps(_ other: AddressRange) -> Bool {
        first.count == other.first.count && !IPPrefix.precedes(last, other.first)
            && !IPPrefix.precedes(other.last, first)
    }

    /// How many addresses it gives out, the gateway not counted; `UInt64.max` for more than that.
    var count: UInt64 {
        var difference: UInt64 = 0
        for (a, b) in zip(first, last) {
            // The high bytes of first and last are equal wherever the difference fits.
            let (high, overflow) = difference.multipliedReportingOverflow(by: 256)
            if overflow { return .max }
            difference = high &+ UInt64(bitPattern: Int64(b) - Int64(a))
        }
        let (sum, overflow) = difference.addingReportingOverflow(contains(gateway) ? 0 : 1)
        return overflow ? .max : sum
    }

    var description: String { "\(IPPrefix.text(first))-\(IPPrefix.text(last))" }
}
