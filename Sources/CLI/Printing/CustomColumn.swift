import JSON

/// A column of `-o custom-columns=NAME:.metadata.name,…`.
struct CustomColumn: Hashable {
    var title: String
    var path: JSONPathTemplate

    /// - Throws: `JSONPathError` that names the column.
    static func list(_ text: String) throws(JSONPathError) -> [CustomColumn] {
        var columns: [CustomColumn] = []
        for part in split(text) {
            guard let colon = part.firstIndex(of: ":"), colon != part.startIndex else {
                throw JSONPathError("\"\(part)\" is no column; expected TITLE:.path")
            }
            let path = String(part[part.index(after: colon)...])
            columns.append(CustomColumn(title: String(part[..<colon]), path: try JSONPathTemplate(relaxed: path)))
        }
        return columns
    }

    /// At commas that stand in no brackets.
    private static func split(_ text: String) -> [Substring] {
        var parts: [Substring] = []
        var depth = 0
        var start = text.startIndex
        for index in text.indices {
            switch text[index] {
            case "[", "(", "{": depth += 1
            case "]", ")", "}": depth -= 1
            case "," where depth == 0:
                parts.append(text[start..<index])
                start = text.index(after: index)
            default: break
            }
        }
        return parts + [text[start...]]
    }

    /// What stands in the column for `object`.
    func text(_ object: JSONValue) throws(JSONPathError) -> String {
        let values = try path.values(in: object).filter { !$0.isNull }
        return values.isEmpty ? "<none>" : values.map(JSONPathTemplate.text).joined(separator: ",")
    }

    static func table(_ columns: [CustomColumn]) -> Table { Table(columns.map(\.title)) }

    static func row(_ columns: [CustomColumn], _ object: JSONValue) throws(JSONPathError) -> [Table.Cell] {
        var row: [Table.Cell] = []
        for column in columns { row.append(.init(try column.text(object))) }
        return row
    }
}
