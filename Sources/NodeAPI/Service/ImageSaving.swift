import JSON

/// Images that are being saved for a client.
public protocol ImageSaving: AnyObject {
    /// Stops and goes on giving bytes.
    func pause()
    func resume()
    /// Ends it; nothing is called any more.
    func cancel()
}

/// A root file system that becomes an image.
public struct ImageRoot: Sendable, Hashable {
    /// The image's name.
    public var reference: String
    /// The `config` member of its config.
    public var config: JSONValue
    /// What the tarball is called in messages and in the image's history; nil for its path.
    public var source: String?

    public init(reference: String, config: JSONValue, source: String? = nil) {
        self.reference = reference
        self.config = config
        self.source = source
    }
}
