import Base

/// Where pods come from: a folder, a URL, later an API server. Used from the loop's thread alone.
public protocol PodSource: AnyObject {
    /// Told what the source asks for: by `start` with what is known then, afterwards with every change.
    var onReport: (SourceReport) -> Void { get set }

    /// Begins to follow the source. It has reported once when this returns.
    func start() throws(SystemError)

    /// Looks now, at someone's request.
    func refresh()

    /// Ends; nothing is reported any more.
    func stop()
}

/// What a source asks for now.
public struct SourceReport: Sendable {
    /// A file or a URL, and what it names.
    public struct Claim: Sendable {
        public var place: String
        public var contents: ManifestContents
        public init(place: String, contents: ManifestContents) {
            self.place = place
            self.contents = contents
        }
    }

    /// Of two that newly name one object the first gets it.
    public var claims: [Claim]
    public var problems: [ManifestProblem]

    public init(claims: [Claim] = [], problems: [ManifestProblem] = []) {
        self.claims = claims
        self.problems = problems
    }
}

/// A pod that is to run, and the place that it is taken from.
public struct WantedPod: Sendable {
    public var manifest: ManifestPod
    public var path: String
    public init(manifest: ManifestPod, path: String) {
        self.manifest = manifest
        self.path = path
    }
}
