import CNITypes

/// A network plugin. It finds, at every call, what it needs in the request, the kernel and its own files: nothing is
/// kept between calls.
public protocol CNIPlugin {
    /// The name it is called by: `type` in a configuration.
    static var name: String { get }

    init()

    /// Attaches the container, and says what the chain has made so far.
    func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult
    /// Undoes `add`; succeeds for what is gone already.
    func delete(_ request: AttachmentRequest) throws(CNIError)
    /// Throws unless what `add` has made is there and works.
    func check(_ request: AttachmentRequest) throws(CNIError)
    /// Throws unless `add` can be served now.
    func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError)
    /// Removes what it holds for attachments of this network that are not in `valid`.
    func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError)
}
