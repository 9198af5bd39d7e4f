/// A table as `kubectl get` prints it. Widths only grow, so that rows which come later stay in line with those above.
struct Table {
    enum Style {
        case plain
        case good
        case bad
        case waiting

        fileprivate var code: String {
            switch self {
            case .plain: ""
            case .good: "\u{1B}[32m"
            case .bad: "\u{1B}[31m"
            case .waiting: "\u{1B}[33m"
            }
        }
    }

    struct Cell {
        var text: String
        var style: Style

        init(_ text: String, _ style: Style = .plain) {
            self.text = Printable.line(text)
            self.style = style
        }
    }

    private var widths: [Int]
    private let header: [Cell]

    init(_ columns: [String]) {
        header = columns.map { Cell($0) }
        widths = header.map { Self.width($0.text) }
    }

    /// Column width as kubectl has it: three spaces between columns, and at least six characters.
    private static func width(_ text: String) -> Int { max(6, text.unicodeScalars.count + 3) }

    /// The lines of the header (unless left out) and of `rows`.
    mutating func text(_ rows: [[Cell]], withHeader: Bool, isColoured: Bool) -> String {
        for row in rows {
            for (n, cell) in row.enumerated() where n < widths.count {
                widths[n] = max(widths[n], Self.width(cell.text))
            }
        }
        let lines = withHeader ? [header] + rows : rows
        return lines.map { line($0, isColoured) + "\n" }.joined()
    }

    private func line(_ row: [Cell], _ isColoured: Bool) -> String {
        var out = ""
        for (n, cell) in row.enumerated() {
            let isStyled = isColoured && cell.style != .plain
            out += isStyled ? cell.style.code + cell.text + "\u{1B}[0m" : cell.text
            if n < row.count - 1, n < widths.count {
                out += Help.spaces(widths[n] - cell.text.unicodeScalars.count)
            }
        }
        return out
    }
}
