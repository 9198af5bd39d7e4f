import CNITypes
import Netlink

/// Whose an element is: an attachment, named in the element's comment as `network/containerID/ifname`.
struct ElementOwner: Sendable, Hashable, CustomStringConvertible {
    var network: String
    var containerID: String
    var interfaceName: String

    /// - Throws: `CNIError` 7 when the names do not fit a comment.
    init(_ network: String, _ containerID: String, _ interfaceName: String) throws(CNIError) {
        self.network = network
        self.containerID = containerID
        self.interfaceName = interfaceName
        guard description.utf8.count <= NftablesComment.limit else {
            throw CNIError(
                .invalidConfiguration,
                "the names of network \(network) and container \(containerID) are too long together",
                details: "nftables elements say whose they are in \(NftablesComment.limit) bytes")
        }
    }

    /// Nil for a comment that names no owner. None of the names can have a slash.
    init?(comment: String) {
        let parts = comment.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        network = String(parts[0])
        containerID = String(parts[1])
        interfaceName = String(parts[2])
    }

    /// Whether it is an attachment of the network that is not among the valid ones: garbage.
    func isGone(from network: String, valid: Set<NetworkConfiguration.Attachment>) -> Bool {
        self.network == network && !valid.contains(.init(containerID: containerID, interfaceName: interfaceName))
    }

    var description: String { "\(network)/\(containerID)/\(interfaceName)" }
}

extension AttachmentRequest {
    var owner: ElementOwner {
        get throws(CNIError) {
            try ElementOwner(configuration.name, environment.containerID, environment.interfaceName)
        }
    }
}
