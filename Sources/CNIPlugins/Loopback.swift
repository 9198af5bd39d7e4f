import Base
import CLinux
import CNITypes

/// Sets `lo` of the container up. The kernel gives it its addresses; whatever CNI_IFNAME says, it is `lo`.
public struct Loopback: CNIPlugin {
    public static let name = "loopback"
    private static let interface = "lo"

    public init() {}

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        // Read first: with a bad one nothing is done.
        let previous = try request.configuration.readPreviousResult()
        let addresses = try request.inRequiredNamespace { () throws(CNIError) in
            guard swl_interface_up(Self.interface) == 0 else { throw Self.failure("set up", .current) }
            return try Self.state().addresses
        }
        if let stranger = addresses.first(where: { !$0.isLoopback }) {
            throw CNIError(
                .internalFailure, "interface lo in \(request.environment.namespacePath) has the address \(stranger)",
                details: "only loopback addresses are expected there")
        }
        if let previous { return previous }
        let families = [addresses.first { !$0.isIPv6 }, addresses.first { $0.isIPv6 }]
        return CNIResult(
            interfaces: [
                .init(name: Self.interface, mac: "00:00:00:00:00:00", sandbox: request.environment.namespacePath)
            ],
            ips: families.compactMap { $0 }.map { .init(interface: 0, address: $0) })
    }

    public func delete(_ request: AttachmentRequest) throws(CNIError) {
        guard !request.environment.namespacePath.isEmpty else { return }
        _ = try request.inNamespace { () throws(CNIError) in
            guard swl_interface_down(Self.interface) == 0 else { throw Self.failure("set down", .current) }
        }
    }

    public func check(_ request: AttachmentRequest) throws(CNIError) {
        let previous = try request.configuration.readPreviousResult()
        let state = try request.inRequiredNamespace { () throws(CNIError) in try Self.state() }
        guard state.isUp else {
            throw CNIError(.internalFailure, "interface lo in \(request.environment.namespacePath) is down")
        }
        guard let previous else { return }
        for ip in previous.ips {
            // An index was checked against the list when it was read.
            guard let index = ip.interface, previous.interfaces[index].name == Self.interface,
                previous.interfaces[index].sandbox == request.environment.namespacePath
            else { continue }
            guard state.addresses.contains(ip.address) else {
                throw CNIError(
                    .internalFailure,
                    "interface lo in \(request.environment.namespacePath) lacks the address \(ip.address)")
            }
        }
    }

    /// Nothing but the kernel is needed.
    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {}

    /// Nothing is held outside the container's namespace, and it goes with that.
    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {}

    private static func state() throws(CNIError) -> InterfaceState {
        do {
            if let state = try InterfaceState.read(interface) { return state }
        } catch {
            throw CNIError(.inputOutput, "cannot read interface \(interface)", details: "\(error)")
        }
        throw CNIError(.internalFailure, "the network namespace has no interface \(interface)")
    }

    private static func failure(_ what: String, _ error: Errno) -> CNIError {
        CNIError(.inputOutput, "cannot \(what) interface \(interface)", details: "\(error)")
    }
}
