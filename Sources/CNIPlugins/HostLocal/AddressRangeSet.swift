import CNITypes
import JSON

/// Ranges of which a container gets one address.
struct AddressRangeSet: Sendable, Hashable, CustomStringConvertible {
    let ranges: [AddressRange]

    /// Reads a list of ranges: at least one, all of one family, none of which has an address of another.
    init(_ value: JSONValue) throws(JSONError) {
        guard let values = value.arrayValue, !values.isEmpty else {
            throw JSONError("expected a list of ranges, found \(value.kind)", at: value.position)
        }
        var ranges: [AddressRange] = []
        for element in values {
            let range = try AddressRange(element)
            if let other = ranges.first(where: { $0.overlaps(range) }) {
                throw JSONError("ranges \(other) and \(range) overlap", at: element.position)
            }
            if let other = ranges.first, other.subnet.isIPv6 != range.subnet.isIPv6 {
                throw JSONError("ranges \(other) and \(range) are of different families", at: element.position)
            }
            ranges.append(range)
        }
        self.ranges = ranges
    }

    func overlaps(_ other: AddressRangeSet) -> Bool {
        ranges.contains { range in other.ranges.contains { $0.overlaps(range) } }
    }

    /// The range that gives `address` out.
    func range(of address: [UInt8]) -> AddressRange? { ranges.first { $0.contains(address) } }

    /// How many addresses all give out.
    var count: UInt64 {
        ranges.reduce(0) { total, range in
            let (sum, overflow) = total.addingReportingOverflow(range.count)
            return overflow ? .max : sum
        }
    }

    /// The first address behind `last`, round and round, that is no gateway and not `taken`; nil when all are.
    ///
    /// - Parameter last: what was given out last; nil, or an address of none of the ranges, starts at the beginning.
    func next(after last: [UInt8]?, taken: (_ address: [UInt8]) -> Bool) -> (address: [UInt8], range: AddressRange)? {
        var index = last.flatMap { last in ranges.firstIndex { $0.contains(last) } } ?? ranges.count - 1
        var address = last.flatMap { ranges[index].contains($0) ? $0 : nil } ?? ranges[index].last
        let start = address
        repeat {
            if address == ranges[index].last {
                index = (index + 1) % ranges.count
                address = ranges[index].first
            } else {
                address = IPPrefix.successor(address) ?? ranges[index].first
            }
            if address != ranges[index].gateway, !taken(address) { return (address, ranges[index]) }
        } while address != start
        return nil
    }

    var description: String { ranges.map(\.description).joined(separator: ",") }
}
