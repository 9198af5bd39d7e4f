/// One parameter of a file system: `mode=755`, or a flag.
public struct FilesystemOption: Sendable, Hashable, CustomStringConvertible {
    public var key: String
    public var value: String?

    public init(_ key: String, _ value: String? = nil) {
        self.key = key
        self.value = value
    }

    public var description: String { value.map { "\(key)=\($0)" } ?? key }
}
