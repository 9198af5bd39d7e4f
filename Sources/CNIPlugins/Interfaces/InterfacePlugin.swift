import Base
import CNITypes
import JSON
import Netlink

/// A plugin that gives the container one interface, with addresses that another plugin gives out: made by a word of the
/// kernel, it lives in the container's network namespace and goes with that; or one of the host's, lent.
protocol InterfacePlugin: CNIPlugin {
    /// Reads its own keys.
    static func read(
        _ root: JSONValue, _ environment: PluginEnvironment, previous: CNIResult?
    ) throws(JSONError) -> InterfaceConfiguration

    /// Gives the container the interface, down.
    static func make(
        _ wanted: InterfaceConfiguration, _ request: AttachmentRequest, in container: borrowing ContainerNamespace
    ) throws(CNIError)

    /// Takes the interface out of the container; succeeds when it, or the container's namespace, is gone.
    static func remove(_ request: AttachmentRequest) throws(CNIError)
}

extension InterfacePlugin {
    private static func read(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment
    ) throws(CNIError) -> InterfaceConfiguration {
        let previous = try configuration.readPreviousResult()
        return try reading("the \(name) configuration of network \(configuration.name)") { () throws(JSONError) in
            try read(.object(configuration.raw), environment, previous: previous)
        }
    }

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        let wanted = try Self.read(request.configuration, request.environment)
        let ipam = try IPAMDelegate(of: request.configuration, request.environment, caller: Self.name)
        let container = try request.openRequiredNamespace()
        let name = request.environment.interfaceName
        try Self.make(wanted, request, in: container)
        var hasAddresses = false
        do throws(CNIError) {
            var result = try addresses(wanted, request, ipam)
            hasAddresses = ipam != nil
            let complete = result
            let link = try container.run { () throws(CNIError) -> Link in
                // The link's neighbours are others than this machine's containers.
                try ContainerInterface.configure(name, complete, detectsDuplicates: wanted.kind != .dummy)
                var socket = try openRouteSocket()
                return try ContainerInterface.find(name, &socket)
            }
            result.interfaces = [
                .init(name: name, mac: link.mac?.description, sandbox: request.environment.namespacePath)
            ]
            if wanted.dns != CNIResult.DNS() { result.dns = wanted.dns }
            return result
        } catch {
            // The failure that led here is the one to tell.
            if hasAddresses { try? ipam?.delete() }
            try? Self.remove(request)
            throw error
        }
    }

    /// What the interface is to have: of the `ipam` plugin, or else of the plugins before this one.
    private func addresses(
        _ wanted: InterfaceConfiguration, _ request: AttachmentRequest, _ ipam: IPAMDelegate?
    ) throws(CNIError) -> CNIResult {
        var result = CNIResult()
        if let ipam {
            result = try ipam.add()
            guard !result.ips.isEmpty else {
                try? ipam.delete()
                throw CNIError(
                    .internalFailure, "the ipam plugin of network \(request.configuration.name) gave no address")
            }
        } else if wanted.takesPreviousAddresses, let previous = try request.configuration.readPreviousResult() {
            result = previous
        }
        for index in result.ips.indices { result.ips[index].interface = 0 }
        return result
    }

    public func delete(_ request: AttachmentRequest) throws(CNIError) {
        var failures: [CNIError] = []
        collect(&failures) { () throws(CNIError) in
            try IPAMDelegate(of: request.configuration, request.environment, caller: Self.name)?.delete()
        }
        collect(&failures) { () throws(CNIError) in try Self.remove(request) }
        if let failure = failures.first { throw failure }
    }

    static func make(
        _ wanted: InterfaceConfiguration, _ request: AttachmentRequest, in container: borrowing ContainerNamespace
    ) throws(CNIError) {
        try InterfaceDevice(wanted, request).create(in: container)
    }

    static func remove(_ request: AttachmentRequest) throws(CNIError) {
        guard !request.environment.namespacePath.isEmpty else { return }
        _ = try request.inNamespace { () throws(CNIError) in
            try InterfaceDevice.remove(request.environment.interfaceName)
        }
    }

    public func check(_ request: AttachmentRequest) throws(CNIError) {
        let wanted = try Self.read(request.configuration, request.environment)
        let result = try request.requiredResult()
        try IPAMDelegate(of: request.configuration, request.environment, caller: Self.name)?.check()
        let (interface, ips) = try request.interface(in: result)
        try request.inRequiredNamespace { () throws(CNIError) in
            let link = try ContainerInterface.check(result, interface, ips)
            guard let kind = wanted.kind else { return }
            guard link.virtual?.isAs(kind) == true else {
                throw CNIError(
                    .internalFailure,
                    "interface \(interface.name) is \(link.virtual.map { "\($0)" } ?? link.kind ?? "a device"), not as the network "
                        + "\(request.configuration.name) wants it: \(kind)")
            }
        }
    }

    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        let wanted = try Self.read(configuration, environment)
        if !wanted.isMasterInContainer {
            var socket = try openRouteSocket()
            do {
                _ = try InterfaceDevice.master(wanted.master, network: configuration.name, &socket)
            } catch {
                throw CNIError(.unavailable, error.message, details: error.details)
            }
        }
        try IPAMDelegate(of: configuration, environment, caller: Self.name)?.status()
    }

    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {
        try IPAMDelegate(of: configuration, environment, caller: Self.name)?.collectGarbage()
    }
}

extension VirtualLink.Kind {
    /// Whether it is what was asked for. What was left to the kernel may be anything.
    func isAs(_ wanted: VirtualLink.Kind) -> Bool {
        if case .macvlan(let mode, _) = self, case .macvlan(mode, queue: nil) = wanted { return true }
        return self == wanted
    }
}
