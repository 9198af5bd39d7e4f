import Base
import CNITypes

/// Gives out addresses of ranges, and keeps them in files of this machine. It is called by the plugin that makes the
/// interface.
public struct HostLocal: CNIPlugin {
    public static let name = "host-local"

    public init() {}

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        let wanted = try HostLocalConfiguration(request.configuration, request.environment)
        var result = CNIResult(routes: wanted.routes)
        if let file = wanted.resolverFile { result.dns = try ResolverFile.read(file) }
        let network = request.configuration.name
        let directory = try HostLocalConfiguration.directory(request.configuration)
        do {
            guard let store = try LeaseStore.open(directory, network: network, create: true) else {
                throw CNIError(.inputOutput, "the leases of network \(network) are not in \(directory)")
            }
            result.ips = try Self.reserve(wanted, in: store, request)
        } catch let error as SystemError {
            throw Self.failure(error, network)
        } catch let error as CNIError {
            throw error
        } catch {
            throw CNIError(.internalFailure, "\(error)")
        }
        return result
    }

    /// An address of each set; on failure none is kept.
    private static func reserve(
        _ wanted: HostLocalConfiguration, in store: borrowing LeaseStore, _ request: AttachmentRequest
    ) throws -> [CNIResult.IP] {
        let (id, interface) = (request.environment.containerID, request.environment.interfaceName)
        for lease in try store.leases(of: id, interface) {
            guard wanted.sets.contains(where: { $0.range(of: lease.address) != nil }) else { continue }
            throw CNIError(
                .internalFailure,
                "interface \(interface) of container \(id) has the address \(IPPrefix.text(lease.address)) of network "
                    + "\(request.configuration.name) already", details: "DEL gives it back")
        }
        var requested = wanted.requested
        var ips: [CNIResult.IP] = []
        var reserved: [[UInt8]] = []
        do {
            for (index, set) in wanted.sets.enumerated() {
                let own = requested.firstIndex { set.range(of: $0) != nil }.map { requested.remove(at: $0) }
                let (address, range) = try reserve(own, of: set, index, in: store, request)
                reserved.append(address)
                guard let prefix = IPPrefix(address: address, length: range.subnet.length) else { continue }
                ips.append(.init(address: prefix, gateway: IPPrefix.text(range.gateway)))
            }
            guard requested.isEmpty else {
                let list = requested.map { IPPrefix.text($0) }.joined(separator: ", ")
                throw CNIError(
                    .invalidConfiguration, "cannot give out all requested addresses",
                    details: "\(list): in none of the ranges, or more than one of the same set of ranges")
            }
        } catch {
            for address in reserved {
                try store.release(.init(address: address, containerID: id, interfaceName: interface))
            }
            throw error
        }
        return ips
    }

    /// An address of one set: `own`, or the next that is free.
    private static func reserve(
        _ own: [UInt8]?, of set: AddressRangeSet, _ index: Int, in store: borrowing LeaseStore,
        _ request: AttachmentRequest
    ) throws -> ([UInt8], AddressRange) {
        let (id, interface) = (request.environment.containerID, request.environment.interfaceName)
        let network = request.configuration.name
        if let own {
            let text = IPPrefix.text(own)
            guard let range = set.range(of: own), range.gateway != own else {
                throw CNIError(
                    .invalidConfiguration, "the requested address \(text) is the gateway of network \(network)")
            }
            guard try store.reserve(own, id, interface) else {
                throw CNIError(
                    .internalFailure, "the requested address \(text) of network \(network) is taken",
                    details: "request another one, or none to get a free one")
            }
            try store.setLastReserved(index, own)
            return (own, range)
        }
        var last = try store.lastReserved(index)
        // Tried, not looked up in a list of all: mostly the first is free. What is there under an address's name without
        // being a lease is left alone.
        var tried: Set<[UInt8]> = []
        while let (address, range) = set.next(after: last, taken: { tried.contains($0) }) {
            tried.insert(address)
            last = address
            guard try store.reserve(address, id, interface) else { continue }
            try store.setLastReserved(index, address)
            return (address, range)
        }
        throw CNIError(
            .tryAgainLater, "network \(network) has no free address in \(set)",
            details:
                "all \(set.count) are given out; a larger range or fewer containers, or, where containers are gone "
                + "without DEL, the runtime's GC")
    }

    public func delete(_ request: AttachmentRequest) throws(CNIError) {
        let (id, interface) = (request.environment.containerID, request.environment.interfaceName)
        try Self.release(request.configuration) { (store: borrowing LeaseStore) throws(SystemError) in
            try store.leases(of: id, interface)
        }
    }

    public func check(_ request: AttachmentRequest) throws(CNIError) {
        let network = request.configuration.name
        let wanted = try HostLocalConfiguration(request.configuration, request.environment)
        let previous = try request.configuration.readPreviousResult()
        let (id, interface) = (request.environment.containerID, request.environment.interfaceName)
        let directory = try HostLocalConfiguration.directory(request.configuration)
        let own: [[UInt8]]
        do {
            let store = try LeaseStore.open(directory, network: network, create: false)
            own = try store?.leases(of: id, interface).map(\.address) ?? []
        } catch {
            throw Self.failure(error, network)
        }
        guard !own.isEmpty else {
            throw CNIError(
                .internalFailure, "interface \(interface) of container \(id) has no lease of network \(network)",
                details: "in \(directory)")
        }
        for ip in previous?.ips ?? [] {
            // Others may have come from other plugins.
            guard wanted.sets.contains(where: { $0.range(of: ip.address.address) != nil }) else { continue }
            guard own.contains(ip.address.address) else {
                throw CNIError(
                    .internalFailure,
                    "interface \(interface) of container \(id) has no lease of \(ip.address) of network \(network)")
            }
        }
    }

    /// Whether the leases can be reached. Full ranges are no failure of the network: pods that run keep theirs.
    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        _ = try HostLocalConfiguration(configuration, environment)
        let directory = try HostLocalConfiguration.directory(configuration)
        do {
            _ = try LeaseStore.open(directory, network: configuration.name, create: true)
        } catch {
            throw CNIError(
                .unavailable, "the leases of network \(configuration.name) cannot be kept", details: "\(error)")
        }
    }

    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {
        let containers = Set(valid.map(\.containerID))
        try Self.release(configuration) { (store: borrowing LeaseStore) throws(SystemError) in
            try store.leases().filter { lease in
                guard let interface = lease.interfaceName else { return !containers.contains(lease.containerID) }
                return !valid.contains(.init(containerID: lease.containerID, interfaceName: interface))
            }
        }
    }

    /// Gives back the leases that `choose` finds.
    private static func release(
        _ configuration: NetworkConfiguration,
        _ choose: (borrowing LeaseStore) throws(SystemError) -> [LeaseStore.Lease]
    ) throws(CNIError) {
        let directory = try HostLocalConfiguration.directory(configuration)
        do {
            guard let store = try LeaseStore.open(directory, network: configuration.name, create: false) else { return }
            for lease in try choose(store) { try store.release(lease) }
        } catch {
            throw failure(error, configuration.name)
        }
    }

    private static func failure(_ error: SystemError, _ network: String) -> CNIError {
        CNIError(.inputOutput, "cannot use the leases of network \(network)", details: "\(error)")
    }
}
