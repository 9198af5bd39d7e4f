/// Who asks, and for what.
struct DHCPIdentity: Sendable, Hashable {
    /// The interface's, 6 bytes.
    var hardwareAddress: [UInt8]
    /// Sent with every message, by their numbers.
    var options: [UInt8: [UInt8]]
    /// Whether answers are to be sent to everybody on the link: for an interface that shares its MAC address.
    var wantsBroadcast = false
}
