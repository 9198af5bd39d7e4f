import Base
import CLinux
import JSON

/// What the agent hands to a pulling worker over its standard input, where no other process sees it.
public struct PullInput: Hashable, Sendable {
    private static let limit = 8 << 20

    /// Texts of dockerconfigjson documents, in the order in which they are tried.
    public var credentials: [String]

    public init(credentials: [String]) { self.credentials = credentials }

    /// As it is sent.
    public var bytes: [UInt8] { JSONWriter().bytes(["credentials": .strings(credentials)]) }

    /// Reads what stands in a descriptor until its end.
    ///
    /// - Throws: `PullError` with `configuration`.
    public static func read(_ raw: Int32) throws(PullError) -> PullInput {
        do {
            let file = FileDescriptor(adopting: try retrying("duplicate", "it") { swl_fcntl(raw, F_DUPFD_CLOEXEC, 3) })
            let text = try file.readAll(limit: limit, name: "it")
            let value = try JSONParser.parse(text, limits: .init(bytes: limit, depth: 8))
            return PullInput(credentials: try value.optionalStrings("credentials") ?? [])
        } catch {
            throw PullError(.configuration, "image-worker: standard input: \(error)")
        }
    }
}
