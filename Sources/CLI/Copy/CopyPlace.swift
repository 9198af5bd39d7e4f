import Base

/// One side of a copy: a path of this machine, or `[NAMESPACE/]POD:PATH`.
struct CopyPlace: Equatable {
    /// Nil for this machine.
    var pod: String?
    var namespace: String?
    var path: String

    init(pod: String?, namespace: String?, path: String) {
        self.pod = pod
        self.namespace = namespace
        self.path = path
    }

    /// - Throws: `CLIError` for a place without a path.
    init(_ text: String) throws(CLIError) {
        path = text
        // A path of this machine with a colon in it is told by the slash before it: `./a:b`.
        if let colon = text.firstIndex(of: ":"), colon != text.startIndex, !text.hasPrefix("."), !text.hasPrefix("/") {
            let words = text[..<colon].split(separator: "/", omittingEmptySubsequences: false)
            guard words.count <= 2, words.allSatisfy({ !$0.isEmpty }) else {
                throw .usage("cp: \"\(text)\" is neither a path nor [NAMESPACE/]POD:PATH")
            }
            pod = words.last.map(String.init)
            namespace = words.count == 2 ? String(words[0]) : nil
            path = String(text[text.index(after: colon)...])
        }
        if path.isEmpty { throw .usage("cp: \"\(text)\" has no path") }
    }

    /// The folder that the last name of `path` stands in, and that name; the name is empty for a folder's content: `/`,
    /// `a/.`, `..`.
    static func parts(_ path: String) -> (folder: String, name: String) {
        var path = path[...]
        while path.hasSuffix("/"), path.count > 1 { path.removeLast() }
        let slash = path.lastIndex(of: "/")
        let name = slash.map { path[path.index(after: $0)...] } ?? path
        if name.isEmpty || name == "." || name == ".." { return (String(path), "") }
        guard let slash else { return (".", String(name)) }
        return (slash == path.startIndex ? "/" : String(path[..<slash]), String(name))
    }
}
