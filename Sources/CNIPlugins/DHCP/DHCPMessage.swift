/// A message of the Dynamic Host Configuration Protocol for IPv4 (RFC 2131, options of RFC 2132).
struct DHCPMessage: Sendable, Hashable {
    /// Option 53.
    enum Kind: UInt8, Sendable {
        case discover = 1
        case offer, request, decline, acknowledgement, refusal, release, inform
    }

    /// The numbers of options that are dealt with here.
    enum Option {
        static let subnetMask: UInt8 = 1
        static let routers: UInt8 = 3
        static let nameServers: UInt8 = 6
        static let hostName: UInt8 = 12
        static let domainName: UInt8 = 15
        static let staticRoutes: UInt8 = 33
        static let requestedAddress: UInt8 = 50
        static let leaseTime: UInt8 = 51
        static let overload: UInt8 = 52
        static let kind: UInt8 = 53
        static let server: UInt8 = 54
        static let requestedOptions: UInt8 = 55
        static let renewalTime: UInt8 = 58
        static let rebindingTime: UInt8 = 59
        static let vendorClass: UInt8 = 60
        static let clientIdentifier: UInt8 = 61
        static let userClass: UInt8 = 77
        static let domainSearch: UInt8 = 119
        static let classlessRoutes: UInt8 = 121
        static let end: UInt8 = 255
    }

    var kind: Kind
    /// What answers are known by.
    var transaction: UInt32
    /// Since the client began, for servers and relays.
    var seconds: UInt16 = 0
    /// Whether answers are to be sent to everybody on the link.
    var wantsBroadcast = false
    /// 4 bytes: the client's own address when it can already use it.
    var clientAddress: [UInt8] = [0, 0, 0, 0]
    /// The address that the server gives.
    var yourAddress: [UInt8] = [0, 0, 0, 0]
    /// 6 bytes.
    var hardwareAddress: [UInt8]
    /// Beside the kind; several of one number are one (RFC 3396).
    var options: [UInt8: [UInt8]] = [:]

    private static let cookie: [UInt8] = [99, 130, 83, 99]
    /// Where options begin.
    private static let headerSize = 240

    init(_ kind: Kind, transaction: UInt32, hardwareAddress: [UInt8]) {
        self.kind = kind
        self.transaction = transaction
        self.hardwareAddress = hardwareAddress
    }

    /// Reads a server's answer; nil for what is none, or is cut off.
    init?(_ bytes: some RandomAccessCollection<UInt8>) {
        let bytes = Array(bytes)
        // BOOTREPLY, by Ethernet.
        guard bytes.count >= Self.headerSize, bytes[0] == 2, bytes[1] == 1, bytes[2] == 6,
            Array(bytes[236..<240]) == Self.cookie
        else { return nil }
        transaction = bytes[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
        clientAddress = Array(bytes[12..<16])
        yourAddress = Array(bytes[16..<20])
        hardwareAddress = Array(bytes[28..<34])
        guard var found = Self.read(bytes[Self.headerSize...]) else { return nil }
        // Options may go on in fields that nobody needs here.
        if let overload = found[Option.overload]?.first {
            for (bit, field) in [(UInt8(1), 108..<236), (2, 44..<108)] where overload & bit != 0 {
                guard let more = Self.read(bytes[field]) else { return nil }
                found.merge(more) { $0 + $1 }
            }
        }
        guard let number = found.removeValue(forKey: Option.kind), number.count == 1,
            let kind = Kind(rawValue: number[0])
        else { return nil }
        self.kind = kind
        options = found
    }

    private static func read(_ bytes: ArraySlice<UInt8>) -> [UInt8: [UInt8]]? {
        var options: [UInt8: [UInt8]] = [:]
        var rest = bytes
        while let number = rest.popFirst(), number != Option.end {
            if number == 0 { continue }
            guard let length = rest.popFirst(), rest.count >= Int(length) else { return nil }
            options[number, default: []] += rest.prefix(Int(length))
            rest = rest.dropFirst(Int(length))
        }
        return options
    }

    /// As a client sends it.
    var bytes: [UInt8] {
        // BOOTREQUEST, by Ethernet.
        var bytes: [UInt8] = [1, 1, 6, 0]
        withUnsafeBytes(of: transaction.bigEndian) { bytes += $0 }
        withUnsafeBytes(of: seconds.bigEndian) { bytes += $0 }
        bytes += [wantsBroadcast ? 0x80 : 0, 0]
        bytes += clientAddress
        bytes += [UInt8](repeating: 0, count: 12)
        bytes += hardwareAddress
        bytes += [UInt8](repeating: 0, count: 236 - bytes.count)
        bytes += Self.cookie
        bytes += [Option.kind, 1, kind.rawValue]
        for (number, value) in options.sorted(by: { $0.key < $1.key }) {
            var rest = value[...]
            repeat {
                let part = rest.prefix(255)
                bytes += [number, UInt8(part.count)] + part
                rest = rest.dropFirst(part.count)
            } while !rest.isEmpty
        }
        bytes.append(Option.end)
        // The least that some servers and relays take.
        return bytes + [UInt8](repeating: 0, count: max(0, 300 - bytes.count))
    }

    /// A number of 4 bytes; nil unless it is one.
    func number(_ option: UInt8) -> UInt32? {
        guard let value = options[option], value.count == 4 else { return nil }
        return value.reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// The addresses in an option; what is left over is not read.
    func addresses(_ option: UInt8) -> [[UInt8]] {
        let value = options[option] ?? []
        return stride(from: 0, to: value.count - value.count % 4, by: 4).map { Array(value[$0..<($0 + 4)]) }
    }
}
