import CNITypes
import JSON
import Netlink

/// What of an interface can be tuned; nil, or off, is left as it is.
struct InterfaceAttributes: Sendable, Hashable {
    var mac: MACAddress?
    /// Bytes.
    var mtu: UInt32?
    var promiscuous: Bool?
    var allMulticast: Bool?
    /// Packets that may wait to be sent.
    var queueLength: UInt32?

    init() {}

    /// Those of `link` that `wanted` changes.
    init(of link: Link, before wanted: InterfaceAttributes) {
        if wanted.mac != nil { mac = link.mac }
        if wanted.mtu != nil { mtu = link.mtu }
        if wanted.promiscuous != nil { promiscuous = link.isPromiscuous }
        if wanted.allMulticast != nil { allMulticast = link.isAllMulticast }
        if wanted.queueLength != nil { queueLength = link.queueLength }
    }

    /// Reads the keys of a configuration, of its arguments or of a backup, but for the MAC address.
    init(_ root: JSONValue) throws(JSONError) {
        mtu = try root.mtu()
        // Off is the same as not asked for.
        promiscuous = try root.optionalBool("promisc") == true ? true : nil
        allMulticast = try root.optionalBool("allmulti") == true ? true : nil
        if let length = try root.optionalInteger("txQLen") {
            guard let value = UInt32(exactly: length), value <= 1 << 20 else {
                throw JSONError("txQLen: expected a number of packets", at: root["txQLen"]?.position ?? root.position)
            }
            queueLength = value
        }
    }

    /// In the reference plugin's format.
    init(backup root: JSONValue) throws(JSONError) {
        try self.init(root)
        promiscuous = try root.optionalBool("promisc")
        allMulticast = try root.optionalBool("allmulti")
        mac = try root.optionalString("mac").flatMap { MACAddress($0) }
    }

    func backup(network: String) -> JSONValue {
        var object = JSONObject()
        object.append("mac", ifPresent: mac.map { .string($0.description) })
        object.append("promisc", ifPresent: promiscuous.map { .bool($0) })
        object.append("mtu", ifPresent: mtu.map { .integer(Int64($0)) })
        object.append("allmulti", ifPresent: allMulticast.map { .bool($0) })
        object.append("txQLen", ifPresent: queueLength.map { .integer(Int64($0)) })
        // Not the reference's: by it GC knows whose the file is.
        object.append("network", .string(network))
        return .object(object)
    }

    /// With what `others` say in its place.
    func overridden(by others: InterfaceAttributes) -> InterfaceAttributes {
        var result = self
        result.mac = others.mac ?? mac
        result.mtu = others.mtu ?? mtu
        result.promiscuous = others.promiscuous ?? promiscuous
        result.allMulticast = others.allMulticast ?? allMulticast
        result.queueLength = others.queueLength ?? queueLength
        return result
    }

    var isEmpty: Bool { self == InterfaceAttributes() }

    /// Puts the requests that make the interface so.
    func apply(to index: Int32, _ batch: inout NetlinkBatch) {
        if let mac { batch.setMAC(.index(index), mac) }
        if let promiscuous { batch.setPromiscuous(.index(index), promiscuous) }
        if let mtu { batch.setMTU(.index(index), mtu) }
        if let allMulticast { batch.setAllMulticast(.index(index), allMulticast) }
        if let queueLength { batch.setQueueLength(.index(index), queueLength) }
    }

    /// What of `link` is not so; nil when all is.
    func difference(from link: Link) -> String? {
        if let mac, link.mac != mac { return "has not the MAC address \(mac)" }
        if let mtu, link.mtu != mtu { return "has the MTU \(link.mtu), not \(mtu)" }
        if let promiscuous, link.isPromiscuous != promiscuous { return "is \(promiscuous ? "not " : "")promiscuous" }
        if let allMulticast, link.isAllMulticast != allMulticast { return "takes other multicast packets" }
        if let queueLength, link.queueLength != queueLength {
            return "has a queue of \(link.queueLength), not \(queueLength)"
        }
        return nil
    }
}
