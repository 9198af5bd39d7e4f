/// Aligns text with tabs in it as Go's tabwriter does, which kubectl prints with: a column reaches over the
/// neighbouring lines that have it, and is as wide as its widest cell and the padding.
struct TabWriter {
    var minimumWidth = 0
    var padding = 2

    func format(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.split(separator: "\t", omittingEmptySubsequences: false).map(Cell.init)
        }
        // The text ends with a line end, after which there is no line.
        let endsWithNewline = text.hasSuffix("\n")
        if endsWithNewline { lines.removeLast() }
        var out: [String] = []
        var widths: [Int] = []
        format(lines[...], &widths, &out)
        return out.joined(separator: "\n") + (endsWithNewline ? "\n" : "")
    }

    private struct Cell {
        var text: Substring
        var width: Int
        init(_ text: Substring) {
            self.text = text
            width = text.unicodeScalars.count
        }
    }

    /// Formats lines whose columns before `widths.count` have their widths.
    private func format(_ lines: ArraySlice<[Cell]>, _ widths: inout [Int], _ out: inout [String]) {
        let column = widths.count
        var i = lines.startIndex
        var printed = lines.startIndex
        while i < lines.endIndex {
            // The last cell of a line is in no column.
            guard column < lines[i].count - 1 else {
                i += 1
                continue
            }
            write(lines[printed..<i], widths, &out)
            var end = i
            var width = minimumWidth
            while end < lines.endIndex, column < lines[end].count - 1 {
                width = max(width, lines[end][column].width + padding)
                end += 1
            }
            widths.append(width)
            format(lines[i..<end], &widths, &out)
            widths.removeLast()
            i = end
            printed = end
        }
        write(lines[printed..<lines.endIndex], widths, &out)
    }

    private func write(_ lines: ArraySlice<[Cell]>, _ widths: [Int], _ out: inout [String]) {
        for line in lines {
            var text = ""
            for (n, cell) in line.enumerated() {
                text += cell.text
                if n < widths.count { text += Help.spaces(widths[n] - cell.width) }
            }
            out.append(text)
        }
    }
}
