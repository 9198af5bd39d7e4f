/// The attributes of netfilter: numbers in network order, types from the C enumerations.
extension NetlinkWriter {
    mutating func put(_ type: some RawRepresentable<UInt32>, _ text: String) { put(Int(type.rawValue), text) }

    mutating func put(_ type: some RawRepresentable<UInt32>, bytes: [UInt8]) { put(Int(type.rawValue), bytes) }

    mutating func put(_ type: some RawRepresentable<UInt32>, number: UInt32) {
        put(Int(type.rawValue), number.bigEndian)
    }

    mutating func nest(_ type: some RawRepresentable<UInt32>, _ body: (inout NetlinkWriter) -> Void) {
        nest(Int(type.rawValue), body)
    }
}

extension NetlinkAttributes {
    /// The first attribute of this type.
    subscript(type: some RawRepresentable<UInt32>) -> Attribute? { self[Int(type.rawValue)] }
}

extension NetlinkAttributes.Attribute {
    /// The payload as a number in network order.
    var bigEndian: UInt32? { number(UInt32.self).map { UInt32(bigEndian: $0) } }

    func isOf(_ kind: some RawRepresentable<UInt32>) -> Bool { type == Int(kind.rawValue) }
}
