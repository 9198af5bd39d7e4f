import CNITypes
import JSON

/// Where plugins with a veth pair meet masquerading (`ipMasq`): what leaves the network gets the machine's address.
struct NetworkMasquerade {
    private let masquerade: Masquerade

    /// Nil when the network is not masqueraded. Nothing else of the configuration is looked at: DEL and GC work
    /// whatever became of it.
    ///
    /// - Throws: `CNIError` 7 for a table's name that cannot be one.
    init?(_ configuration: NetworkConfiguration) throws(CNIError) {
        guard configuration.raw["ipMasq"]?.boolValue == true else { return nil }
        masquerade = try Masquerade(configuration)
    }

    /// For ADD: `ips` are the container's.
    func add(_ request: AttachmentRequest, _ ips: [CNIResult.IP]) throws(CNIError) {
        try masquerade.add(
            ips.map(\.address), containerID: request.environment.containerID,
            interfaceName: request.environment.interfaceName)
    }

    func delete(_ request: AttachmentRequest) throws(CNIError) {
        // Not valid, it says nothing.
        let result = try? request.configuration.readPreviousResult()
        try masquerade.delete(
            result?.ips.map(\.address) ?? [], containerID: request.environment.containerID,
            interfaceName: request.environment.interfaceName)
    }

    func check(_ request: AttachmentRequest, _ ips: [CNIResult.IP]) throws(CNIError) {
        try masquerade.check(
            ips.map(\.address), containerID: request.environment.containerID,
            interfaceName: request.environment.interfaceName)
    }

    func collectGarbage(valid: Set<NetworkConfiguration.Attachment>) throws(CNIError) {
        try masquerade.collectGarbage(valid: valid)
    }
}
