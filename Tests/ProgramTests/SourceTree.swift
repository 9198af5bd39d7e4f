import Base

/// The repository's sources as text, for tests on what they may contain.
struct SourceTree {
    /// A source file of a target.
    struct File {
        var target: String
        /// Relative to the repository.
        var path: String
        var lines: [Substring]

        /// The modules it imports.
        var imports: [String] {
            lines.compactMap { line in
                var words = line.split(separator: " ")
                while let first = words.first,
                    first.hasPrefix("@") || ["public", "package", "internal"].contains(first)
                {
                    words.removeFirst()
                }
                return words.count >= 2 && words[0] == "import" ? String(words[words.count - 1]) : nil
            }
        }

        /// The lines without what stands in comments.
        var code: [Substring] {
            lines.map { line in
                guard let comment = line.firstRange(of: "//") else { return line }
                return line[..<comment.lowerBound]
            }
        }
    }

    /// A target of Package.swift: they stand there in the order of the floors.
    struct Target {
        var name: String
        var floor: Int
        var order: Int
    }

    let root: String
    let targets: [String: Target]
    let files: [File]

    static let current: Result<SourceTree, any Error> = Result { try SourceTree() }

    private init() throws {
        root = Path.parent(Path.parent(Path.parent(#filePath)))
        targets = try SourceTree.readTargets("\(root)/Package.swift")
        var files: [File] = []
        let folders = try Files.list("\(root)/Sources").map { ($0, "Sources/\($0)") } + [("cni-plugins", "cni-plugins")]
        for (target, folder) in folders {
            for path in try SourceTree.swiftFiles("\(root)/\(folder)") {
                let text = try Files.readText(path)
                files.append(
                    File(
                        target: target, path: String(path.dropFirst(root.count + 1)),
                        lines: text.split(separator: "\n", omittingEmptySubsequences: false)))
            }
        }
        self.files = files
    }

    static func swiftFiles(_ folder: String) throws -> [String] {
        var found: [String] = []
        for name in try Files.list(folder) {
            let path = "\(folder)/\(name)"
            if Files.isDirectory(path) {
                found += try swiftFiles(path)
            } else if name.hasSuffix(".swift") {
                found.append(path)
            }
        }
        return found
    }

    /// Reads `// Floor N` comments and the target declarations below them.
    private static func readTargets(_ path: String) throws -> [String: Target] {
        var targets: [String: Target] = [:]
        var floor: Int?
        var pending = false
        for line in try Files.readText(path).split(separator: "\n") {
            let text = line.drop { $0 == " " }
            if text.hasPrefix("// Floor ") {
                floor = text.dropFirst(9).prefix { $0.isNumber }.isEmpty ? floor : Int(text.dropFirst(9).prefix(1))
            } else if text.hasPrefix("// ") {
                if text.hasPrefix("// Tests") { floor = nil }
            } else if let floor {
                let starts = ["library(", "program(", "system(", ".target("].contains { text.hasPrefix($0) }
                if starts || pending {
                    pending = starts
                    let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
                    if parts.count > 2 {
                        let name = String(parts[1])
                        targets[name] = Target(name: name, floor: floor, order: targets.count)
                        pending = false
                    }
                }
            }
        }
        return targets
    }
}
