import CNITypes
import JSON
import Netlink

/// What a plugin that makes one interface of the container is configured to make.
struct InterfaceConfiguration: Sendable {
    /// Which interface it stands on.
    enum Master: Sendable, Hashable {
        /// On none.
        case none
        case named(String)
        /// That of the default route.
        case ofDefaultRoute
    }

    /// What is made; nil for an interface that is there.
    var kind: VirtualLink.Kind?
    var master = Master.none
    /// The master is in the container's network namespace.
    var isMasterInContainer = false
    var mac: MACAddress?
    /// Bytes; nil: that of the master, which it may not exceed.
    var mtu: UInt32?
    var dns = CNIResult.DNS()
    /// Without `ipam` the addresses of `prevResult` are given to it.
    var takesPreviousAddresses = false

    init(_ kind: VirtualLink.Kind?) { self.kind = kind }

    /// Reads the keys that such plugins share: `master`, `linkInContainer`, `mtu`, `dns`.
    ///
    /// - Parameter needsMaster: whether the interface of the default route is none to fall back on.
    mutating func readShared(_ root: JSONValue, needsMaster: Bool) throws(JSONError) {
        func fail(_ key: String, _ message: String) -> JSONError {
            JSONError("\(key): \(message)", at: root[key]?.position ?? root.position)
        }
        let name = try root.optionalString("master") ?? ""
        if !name.isEmpty {
            guard PluginEnvironment.isInterfaceName(name) else {
                throw fail("master", "no interface can have this name")
            }
            master = .named(name)
        } else if needsMaster {
            throw fail("master", "missing; the interface that it is to stand on")
        } else {
            master = .ofDefaultRoute
        }
        isMasterInContainer = try root.optionalBool("linkInContainer") ?? false
        mtu = try root.mtu()
        dns = try root.dns()
    }
}
