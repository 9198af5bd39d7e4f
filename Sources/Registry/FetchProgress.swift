/// How far a fetch is.
public struct FetchProgress: Hashable, Sendable {
    public struct Layer: Hashable, Sendable {
        public var digest: String
        public var done: Int64
        public var total: Int64

        public init(digest: String, done: Int64, total: Int64) {
            self.digest = digest
            self.done = done
            self.total = total
        }
    }

    /// Those that are fetched, the lowest first; empty while the manifest is looked for.
    public var layers: [Layer] = []

    public init() {}
}
