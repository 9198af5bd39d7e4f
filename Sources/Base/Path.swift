/// Textual operations on absolute paths of ours. Nothing here touches the file system.
public enum Path {
    /// The folder part: `/a` for `/a/b`, `/` for `/a`, `.` for `a`.
    public static func parent(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
    }

    /// The last component.
    public static func name(_ path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    /// `a/b` of `a` and `b`, with exactly one slash between them.
    public static func join(_ base: String, _ rest: String) -> String {
        let tail = rest.drop { $0 == "/" }
        return base.hasSuffix("/") ? base + tail : base + "/" + tail
    }

    /// The components without empty ones and `.`; `..` stays.
    public static func components(_ path: String) -> [Substring] {
        path.split(separator: "/").filter { $0 != "." }
    }

    /// Absolute, and without `..`, `.` or empty components.
    public static func isClean(_ path: String) -> Bool {
        guard path.hasPrefix("/") else { return false }
        return path == "/"
            || path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
                .allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." }
    }
}
