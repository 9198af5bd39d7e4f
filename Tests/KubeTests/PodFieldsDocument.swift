import CLinux
import JSON
import TestSupport
import Testing

@testable import Kube

/// docs/pod-fields.md, printed from the decoder's table.
enum PodFieldsDocument {
    static var text: String {
        var text = """
            # Fields of v1 Pod

            Printed from the table that the decoder works with (`Sources/Kube/Schema/FieldTable.swift`): do not edit. A
            test compares; `SWIFTLET_WRITE_DOCS=1 swift test --filter FieldsDocument` writes it anew. The fields are those
            of Kubernetes 1.36. Each stands in one of three classes:

            - **supported**: carried out.
            - **without effect**: accepted, and listed by `swiftlet validate`; it is a scheduler's or an API server's.
            - **refused**: a manifest that sets it is refused with line, column and path, because what it asks for would not
              happen. `null`, empty lists and empty strings ask for nothing and are accepted.

            What a field without effect or refused is made of has the same class.


            """
        for type in order {
            guard let classes = FieldTable.classes[type] else { continue }
            text += "## \(type)\n\n| field | type | class | |\n|---|---|---|---|\n"
            for field in PodSchema.shared.types[type] ?? [] {
                var (name, note) = describe(classes(field.name), type, field.name)
                if let more = FieldTable.notes["\(type).\(field.name)"] { note += (note.isEmpty ? "" : "; ") + more }
                text += "| `\(field.name)` | \(show(field.type)) | \(name) | \(note) |\n"
            }
            text += "\n"
        }
        text.removeLast()
        return text
    }

    /// The types as a manifest meets them.
    private static var order: [String] {
        var order: [String] = []
        var todo = ["Pod", "EphemeralContainer"]
        while !todo.isEmpty {
            let type = todo.removeFirst()
            guard FieldTable.classes[type] != nil, !order.contains(type) else { continue }
            order.append(type)
            for field in PodSchema.shared.types[type] ?? [] {
                guard case .supported = FieldTable.classes[type]?(field.name) else { continue }
                switch field.type {
                case .object(let name), .list(.object(let name)): todo.append(name)
                default: break
                }
            }
        }
        return order
    }

    private static func describe(_ fieldClass: FieldClass?, _ type: String, _ field: String) -> (String, String) {
        switch fieldClass {
        case .withoutEffect(let reason): return ("without effect", reason)
        case .refused(let reason, let unless):
            let accepted = unless.compactMap { value in
                value.stringValue ?? value.boolValue.map { $0 ? "true" : "false" }
            }
            let note = accepted.isEmpty ? "" : " (`\(accepted.joined(separator: "`, `"))` is accepted)"
            return ("**refused**", reason + note)
        case .supported, nil:
            guard let values = FieldValues.table["\(type).\(field)"] else { return ("supported", "") }
            var note = values.supported.filter { !$0.isEmpty }.map { "`\($0)`" }.joined(separator: ", ")
            for (value, reason) in values.refused.sorted(by: { $0.key < $1.key }) {
                note += "; `\(value)` is **refused**: \(reason)"
            }
            return ("supported", note)
        }
    }

    private static func show(_ type: PodSchema.FieldType) -> String {
        switch type {
        case .string: "string"
        case .bool: "boolean"
        case .int32, .int64: "integer"
        case .quantity: "quantity"
        case .time: "time"
        case .integerOrString: "integer or string"
        case .anything: "object"
        case .object(let name): name
        case .list(let element): "list of \(show(element))"
        case .map(let element): "map to \(show(element))"
        }
    }
}

@Suite("docs/pod-fields.md is what the decoder does")
struct FieldsDocumentTests {
    @Test("The committed document is printed from the decoder's table")
    func document() throws {
        let wanted = PodFieldsDocument.text
        #expect(try PrintedDocument.committed("docs/pod-fields.md", printed: wanted) == wanted)
    }
}
