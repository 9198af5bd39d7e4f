/// A pair of interfaces: what goes into one comes out of the other. One end stays in the socket's network namespace,
/// the other is made in a container's.
public struct VethPair: Sendable, Hashable {
    /// The end here. It is up at once.
    public var name: String
    public var mac: MACAddress
    /// The index of the bridge that the end here becomes a port of.
    public var master: Int32?
    /// Free text of the end here.
    public var alias: String?
    /// The end there. It is down: the kernel takes no other order.
    public var peerName: String
    public var peerMAC: MACAddress
    /// Of both, in bytes; nil: the kernel's.
    public var mtu: UInt32?

    public init(
        name: String, mac: MACAddress, master: Int32? = nil, alias: String? = nil, peerName: String,
        peerMAC: MACAddress, mtu: UInt32? = nil
    ) {
        self.name = name
        self.mac = mac
        self.master = master
        self.alias = alias
        self.peerName = peerName
        self.peerMAC = peerMAC
        self.mtu = mtu
    }
}
