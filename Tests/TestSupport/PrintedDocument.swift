import Base
import CLinux

/// A file of the repository that is printed from a table of the program.
public enum PrintedDocument {
    private static let repository = String(#filePath.dropLast("Tests/TestSupport/PrintedDocument.swift".count))

    /// What is committed at `path`, which is relative to the repository. With SWIFTLET_WRITE_DOCS in the environment
    /// `text` is written there first.
    public static func committed(_ path: String, printed text: String) throws -> String {
        let file = repository + path
        if getenv("SWIFTLET_WRITE_DOCS") != nil {
            try Files.replace(file, with: text.utf8, mode: 0o644, durable: false)
        }
        return try read(path)
    }

    /// A file of the repository.
    public static func read(_ path: String) throws -> String {
        String(decoding: try Files.read(repository + path, limit: 4 << 20), as: UTF8.self)
    }
}
