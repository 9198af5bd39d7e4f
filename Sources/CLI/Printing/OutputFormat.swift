import Base
import CLinux

/// How objects are printed.
enum OutputFormat: Hashable {
    case table
    case wide
    case json
    case yaml
    case name
    case jsonPath(JSONPathTemplate)
    case columns([CustomColumn])

    static let words = "wide, json, yaml, name, jsonpath=…, custom-columns=…"

    init(_ text: String?) throws(CLIError) {
        switch text {
        case nil: self = .table
        case "wide": self = .wide
        case "json": self = .json
        case "yaml": self = .yaml
        case "name": self = .name
        case let text?:
            guard let format = try Self.template(text) else {
                throw .usage("--output: \"\(text)\" is none of \(Self.words)")
            }
            self = format
        }
    }

    /// `jsonpath=TEMPLATE`, `jsonpath-file=FILE`, `custom-columns=SPEC`.
    private static func template(_ text: String) throws(CLIError) -> OutputFormat? {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard ["jsonpath", "jsonpath-file", "custom-columns"].contains(parts[0]) else { return nil }
        guard parts.count == 2, !parts[1].isEmpty else {
            throw .usage("--output: \(parts[0]) needs a template: -o \(parts[0])=…")
        }
        let value = String(parts[1])
        do throws(JSONPathError) {
            switch parts[0] {
            case "jsonpath": return .jsonPath(try JSONPathTemplate(value))
            case "custom-columns": return .columns(try CustomColumn.list(value))
            default: break
            }
            let bytes: [UInt8]
            do throws(SystemError) { bytes = try Files.read(value, limit: 1 << 20) } catch {
                throw JSONPathError("\(value): \(error.errno)")
            }
            return .jsonPath(try JSONPathTemplate(String(decoding: bytes, as: UTF8.self)))
        } catch {
            throw .usage("--output: \(error)")
        }
    }

    /// Whether people read it, and not programs.
    var isTable: Bool {
        switch self {
        case .table, .wide, .columns: true
        case .json, .yaml, .name, .jsonPath: false
        }
    }
}
