import CNIRuntime
import CNITypes

/// What a pod's networks have given it.
public struct PodConnection: Sendable, Hashable {
    /// On the default network: the pod's.
    public var addresses: [String] = []
    /// The annotation about all of its networks, where it has several.
    public var status: String?
    /// What people should know of it.
    public var notes: [EventNote] = []

    init() {}

    /// - Throws: `CNIError` 6 when a result is none.
    init(_ attachments: [Attachment]) throws(CNIError) {
        addresses = try attachments.first?.addresses() ?? []
        if attachments.count > 1 { status = NetworkStatus.text(attachments) }
    }
}
