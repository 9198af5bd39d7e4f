import CNITypes
import JSON

/// An address that a server lends, with what it says beside it.
struct DHCPLease: Sendable, Hashable {
    var address: IPPrefix
    /// 4 bytes: who lends it.
    var server: [UInt8]
    /// The first router.
    var gateway: [UInt8]?
    var routes: [CNIResult.Route] = []
    /// Seconds from its begin; nil: for ever.
    var duration: UInt32?
    /// When to ask the server, and when to ask any, for more time.
    var renewal: UInt32
    var rebinding: UInt32

    init(
        address: IPPrefix, server: [UInt8], gateway: [UInt8]?, routes: [CNIResult.Route], duration: UInt32?,
        renewal: UInt32, rebinding: UInt32
    ) {
        self.address = address
        self.server = server
        self.gateway = gateway
        self.routes = routes
        self.duration = duration
        self.renewal = renewal
        self.rebinding = rebinding
    }

    /// What counts when a server says nothing, or for ever (RFC 2131, section 3.3).
    static let forever = UInt32.max

    /// Reads an acknowledgement; nil for one that gives no address.
    init?(_ message: DHCPMessage) {
        typealias Option = DHCPMessage.Option
        let given = message.yourAddress
        guard given != [0, 0, 0, 0], given[0] != 127, given[0] < 224,
            let server = message.addresses(Option.server).first
        else { return nil }
        let mask = message.addresses(Option.subnetMask).first
        guard let length = Self.prefixLength(mask, of: given), let address = IPPrefix(address: given, length: length)
        else { return nil }
        self.address = address
        self.server = server
        gateway = message.addresses(Option.routers).first { $0 != [0, 0, 0, 0] }
        let time = message.number(Option.leaseTime) ?? Self.forever
        duration = time == Self.forever ? nil : max(time, 1)
        let whole = duration ?? Self.forever
        let renewal = message.number(Option.renewalTime) ?? 0
        let rebinding = message.number(Option.rebindingTime) ?? 0
        self.rebinding = rebinding > 0 && rebinding < whole ? rebinding : max(1, UInt32(UInt64(whole) * 7 / 8))
        self.renewal = renewal > 0 && renewal <= self.rebinding ? renewal : max(1, min(whole / 2, self.rebinding))
        routes = Self.routes(message, gateway)
    }

    /// Nil for a mask with holes. Without one that of the address's class counts.
    private static func prefixLength(_ mask: [UInt8]?, of address: [UInt8]) -> Int? {
        guard let mask else { return address[0] < 128 ? 8 : address[0] < 192 ? 16 : 24 }
        let number = mask.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let length = number.leadingZeroBitCount == 0 ? (~number).leadingZeroBitCount : 0
        return number == (length == 0 ? 0 : UInt32.max << UInt32(32 - length)) ? length : nil
    }

    /// With classless routes neither the router nor the older routes count (RFC 3442).
    private static func routes(_ message: DHCPMessage, _ gateway: [UInt8]?) -> [CNIResult.Route] {
        var rest = (message.options[DHCPMessage.Option.classlessRoutes] ?? [])[...]
        var routes: [CNIResult.Route] = []
        while let length = rest.popFirst() {
            let size = (Int(length) + 7) / 8
            guard length <= 32, rest.count >= size + 4 else { break }
            let bytes = Array(rest.prefix(size)) + [UInt8](repeating: 0, count: 4 - size)
            let router = Array(rest.dropFirst(size).prefix(4))
            rest = rest.dropFirst(size + 4)
            guard let network = IPPrefix(address: bytes, length: Int(length))?.network else { break }
            routes.append(.init(destination: network, gateway: IPPrefix.text(router)))
        }
        if !routes.isEmpty { return routes }
        if let gateway, let everything = IPPrefix(address: [0, 0, 0, 0], length: 0) {
            routes.append(.init(destination: everything, gateway: IPPrefix.text(gateway)))
        }
        let pairs = message.addresses(DHCPMessage.Option.staticRoutes)
        for index in stride(from: 0, to: pairs.count - pairs.count % 2, by: 2) {
            let to = pairs[index]
            // The default route is not for this option.
            guard to != [0, 0, 0, 0], let length = prefixLength(nil, of: to),
                let network = IPPrefix(address: to, length: length)?.network
            else { continue }
            routes.append(.init(destination: network, gateway: IPPrefix.text(pairs[index + 1])))
        }
        return routes
    }

    /// - Parameter priority: of the routes; 0: the kernel's.
    func result(priority: Int64) -> CNIResult {
        var routes = routes
        if priority != 0 { for index in routes.indices { routes[index].attributes["priority"] = priority } }
        return CNIResult(
            ips: [.init(address: address, gateway: gateway.map { IPPrefix.text($0) })], routes: routes)
    }
}
