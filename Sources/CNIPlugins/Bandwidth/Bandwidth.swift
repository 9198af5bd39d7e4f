import Base
import CNITypes
import Netlink

/// Limits what a container receives and sends. Chained behind a plugin that attaches it by a veth pair.
///
/// What it receives is limited where the host's end of the pair sends it. What it sends is led through an interface of its
/// own (`ifb`), which is found by the attachment alone.
public struct Bandwidth: CNIPlugin {
    public static let name = "bandwidth"

    public init() {}

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        let wanted = try BandwidthConfiguration(request.configuration)
        var result = try request.chainedResult(Self.name)
        guard wanted.ingress != nil || wanted.egress != nil else { return result }
        let host = try Self.host(request, result)
        var socket = try openRouteSocket()
        do throws(CNIError) {
            // What an ADD that was cut off has left.
            try Self.reset(host, &socket)
            if let ingress = wanted.ingress {
                let shaper = try wanted.shaper(ingress, side: .source, burst: "ingressBurst", on: host)
                try Self.change("limit what container \(request.environment.containerID) receives", &socket) {
                    $0.shape(index: host.index, shaper)
                }
            }
            if let egress = wanted.egress {
                let shaper = try wanted.shaper(egress, side: .destination, burst: "egressBurst", on: host)
                let block = try Self.makeBlock(request, like: host, &socket)
                try Self.change("limit what container \(request.environment.containerID) sends", &socket) {
                    $0.shape(index: block.index, shaper)
                    $0.redirectReceived(by: host.index, to: block.index)
                }
                result.interfaces.append(.init(name: block.name, mac: block.mac?.description))
            }
            return result
        } catch {
            // The failure that led here is the one to tell.
            try? Self.removeBlock(request, &socket)
            try? Self.reset(host, &socket)
            throw error
        }
    }

    /// The queues of the pair go with it.
    public func delete(_ request: AttachmentRequest) throws(CNIError) {
        var socket = try openRouteSocket()
        try Self.removeBlock(request, &socket)
    }

    public func check(_ request: AttachmentRequest) throws(CNIError) {
        let wanted = try BandwidthConfiguration(request.configuration)
        let result = try request.requiredResult()
        guard wanted.ingress != nil || wanted.egress != nil else { return }
        let host = try Self.host(request, result)
        var socket = try openRouteSocket()
        func broken(_ what: String) -> CNIError { CNIError(.internalFailure, what) }
        if let ingress = wanted.ingress {
            let shaper = try wanted.shaper(ingress, side: .source, burst: "ingressBurst", on: host)
            guard try Self.queues(host, &socket).contains(where: { $0.limits(as: shaper) }) else {
                throw broken("interface \(host.name) does not limit what the container receives")
            }
        }
        if let egress = wanted.egress {
            let shaper = try wanted.shaper(egress, side: .destination, burst: "egressBurst", on: host)
            guard let block = try OwnedLink(.ifb, request).find(&socket).first, block.isUp else {
                throw broken("the interface that limits what the container sends is gone or down")
            }
            guard try Self.queues(block, &socket).contains(where: { $0.limits(as: shaper) }),
                try Self.queues(host, &socket).contains(where: { $0.kind == "ingress" })
            else { throw broken("interface \(block.name) does not limit what the container sends") }
        }
    }

    /// Throws unless the configuration is valid.
    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        _ = try BandwidthConfiguration(configuration)
    }

    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {
        try OwnedLink.collectGarbage(.ifb, of: configuration.name, valid: valid)
    }

    // MARK: parts

    /// The host's end of the container's interface.
    private static func host(_ request: AttachmentRequest, _ result: CNIResult) throws(CNIError) -> Link {
        let name = request.environment.interfaceName
        let peer = try request.inRequiredNamespace { () throws(CNIError) -> Int32? in
            var socket = try openRouteSocket()
            let link = try ContainerInterface.find(name, &socket)
            return link.kind == "veth" ? link.peer : nil
        }
        var socket = try openRouteSocket()
        let link = try asking("find the other end of interface \(name)") { () throws(NetlinkError) -> Link? in
            guard let peer else { return nil }
            return try socket.link(.index(peer))
        }
        if let link, HostInterfaces.named(in: result).contains(link.name) { return link }
        throw CNIError(
            .invalidConfiguration, "interface \(name) has no end in the host whose queue could be limited",
            details: "\(Self.name) stands behind a plugin that makes a veth pair, as bridge and ptp do")
    }

    /// Takes away the queues that an earlier call gave to the pair.
    private static func reset(_ host: Link, _ socket: inout RouteSocket) throws(CNIError) {
        let queues = try queues(host, &socket)
        let isShaped = queues.contains { ["tbf", "prio"].contains($0.kind) }
        let isRedirected = queues.contains { $0.kind == "ingress" }
        guard isShaped || isRedirected else { return }
        try change("remove the queues of \(host.name)", &socket) {
            if isShaped { $0.removeShaper(index: host.index, received: false) }
            if isRedirected { $0.removeShaper(index: host.index, received: true) }
        }
    }

    private static func queues(_ link: Link, _ socket: inout RouteSocket) throws(CNIError) -> [TrafficQueue] {
        try asking("read the queues of \(link.name)") { () throws(NetlinkError) in try socket.queues(of: link.index) }
    }

    /// The interface that packets of the container are led through, up.
    private static func makeBlock(
        _ request: AttachmentRequest, like host: Link, _ socket: inout RouteSocket
    ) throws(CNIError) -> Link {
        let owned = OwnedLink(.ifb, request)
        try owned.requireAlias()
        let (name, old) = try owned.freeName(&socket)
        for link in old { try removeLink(link.name, &socket) }
        try change("make an interface that limits what \(owned.containerID) sends", &socket) {
            $0.create(VirtualLink(.ifb, name: name, mtu: host.mtu))
            $0.setAlias(.name(name), owned.alias)
            $0.setQueueLength(.name(name), host.queueLength)
            $0.setUp(.name(name))
        }
        guard let link = try owned.find(&socket).first else {
            throw CNIError(.tryAgainLater, "interface \(name) was removed while it was made")
        }
        return link
    }

    private static func removeBlock(_ request: AttachmentRequest, _ socket: inout RouteSocket) throws(CNIError) {
        for link in try OwnedLink(.ifb, request).find(&socket) { try removeLink(link.name, &socket) }
    }

    /// Performs a batch; what a kernel does not have is named.
    private static func change(
        _ what: String, _ socket: inout RouteSocket, _ build: (inout NetlinkBatch) -> Void
    ) throws(CNIError) {
        do {
            try socket.perform(build)
        } catch {
            guard [.notSupported, .noEntry].contains(error.errno) else {
                throw CNIError(.inputOutput, "cannot \(what)", details: "\(error)")
            }
            throw CNIError(
                .unsupportedField, "this kernel cannot \(what)",
                details:
                    "load the modules sch_tbf, sch_prio, sch_ingress, cls_u32, act_mirred and ifb, or use a kernel "
                    + "that has them (\(error))")
        }
    }
}
