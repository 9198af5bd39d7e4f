import JSON

/// What a chain of plugins has made: the answer to ADD, and `prevResult` of the calls that follow. Holds what version
/// 1.1.0 can say; older versions are read into it and written from it.
public struct CNIResult: Sendable, Hashable {
    public struct Interface: Sendable, Hashable {
        public var name: String
        public var mac: String?
        /// The network namespace's path; nil for an interface of the host.
        public var sandbox: String?
        /// Bytes. Since 1.1.0, as are the two below.
        public var mtu: Int64?
        public var socketPath: String?
        public var pciID: String?

        public init(name: String, mac: String? = nil, sandbox: String? = nil) {
            self.name = name
            self.mac = mac
            self.sandbox = sandbox
        }
    }

    public struct IP: Sendable, Hashable {
        /// An index into `interfaces`.
        public var interface: Int?
        public var address: IPPrefix
        public var gateway: String?

        public init(interface: Int? = nil, address: IPPrefix, gateway: String? = nil) {
            self.interface = interface
            self.address = address
            self.gateway = gateway
        }
    }

    public struct Route: Sendable, Hashable {
        public var destination: IPPrefix
        public var gateway: String?
        /// `mtu`, `advmss`, `priority`, `table` and `scope`, those that are given. Since 1.1.0.
        public var attributes: [String: Int64] = [:]

        public init(destination: IPPrefix, gateway: String? = nil) {
            self.destination = destination
            self.gateway = gateway
        }
    }

    public struct DNS: Sendable, Hashable {
        public var nameservers: [String] = []
        public var domain: String?
        public var search: [String] = []
        public var options: [String] = []
        public init() {}
    }

    public var interfaces: [Interface]
    public var ips: [IP]
    public var routes: [Route]
    public var dns: DNS

    public init(interfaces: [Interface] = [], ips: [IP] = [], routes: [Route] = [], dns: DNS = DNS()) {
        self.interfaces = interfaces
        self.ips = ips
        self.routes = routes
        self.dns = dns
    }
}
