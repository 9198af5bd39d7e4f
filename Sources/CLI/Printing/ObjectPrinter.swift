import JSON
import YAML

/// Prints objects in the formats that are the same for every kind.
struct ObjectPrinter {
    let format: OutputFormat
    let hasHeader: Bool
    let output: Output
    /// Set for custom columns, whose widths only grow.
    private var table: Table?
    private var isFirst = true

    init(_ format: OutputFormat, hasHeader: Bool, output: Output) {
        self.format = format
        self.hasHeader = hasHeader
        self.output = output
        if case .columns(let columns) = format { table = CustomColumn.table(columns) }
    }

    /// Prints `objects`, as the one that was asked for or as a list.
    ///
    /// - Parameter name: what `-o name` prints of one.
    /// - Returns: false for the kind's own table, of which nothing is printed.
    mutating func list(
        _ objects: [JSONValue], isSingle: Bool, name: (JSONValue) -> String
    ) throws(CLIError) -> Bool {
        func whole() -> JSONValue { isSingle ? objects.first ?? .null : GetCommand.list(objects) }
        switch format {
        case .table, .wide: return false
        case .json: output.put(Documents.json(whole()))
        case .yaml: output.put(YAMLWriter.text(whole()).utf8)
        case .name: for object in objects { output.line(Printable.line(name(object))) }
        case .jsonPath(let template):
            do throws(JSONPathError) { output.put(try template.text(of: whole()).utf8) } catch {
                throw .failed("jsonpath: \(error)")
            }
        case .columns(let columns): try rows(columns, objects)
        }
        isFirst = false
        return true
    }

    /// Prints one object more, as a watch does.
    ///
    /// - Returns: false for the kind's own table.
    mutating func next(_ object: JSONValue, name: (JSONValue) -> String) throws(CLIError) -> Bool {
        if case .yaml = format, !isFirst { output.put("---\n".utf8) }
        return try list([object], isSingle: true, name: name)
    }

    private mutating func rows(_ columns: [CustomColumn], _ objects: [JSONValue]) throws(CLIError) {
        var rows: [[Table.Cell]] = []
        do throws(JSONPathError) { for object in objects { rows.append(try CustomColumn.row(columns, object)) } } catch
        {
            throw .failed("custom-columns: \(error)")
        }
        if let text = table?.text(rows, withHeader: isFirst && hasHeader, isColoured: false) { output.put(text.utf8) }
    }
}
