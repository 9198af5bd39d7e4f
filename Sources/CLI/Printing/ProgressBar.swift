import JSON

/// One line on the person's terminal that says how far something is, drawn over itself and gone at its end.
final class ProgressBar {
    private let width: Int
    private let draw: (String) -> Void
    private var isShown = false

    /// - Parameters:
    ///   - width: of the terminal, in columns.
    ///   - draw: takes text and control sequences for the terminal.
    init(width: Int, draw: @escaping (String) -> Void) {
        self.width = width
        self.draw = draw
    }

    /// Shows what the agent says of an image.
    func show(_ label: String, _ progress: JSONValue) {
        let done = progress["bytesDone"]?.integerValue ?? 0
        let layers = progress["layers"]?.integerValue ?? 0
        var text = label + ": " + (progress["phase"]?.stringValue ?? "")
        if let total = progress["bytes"]?.integerValue, total > 0 {
            text += " " + Self.bar(done, of: total, width: 24) + " \(ImageList.size(done)) / \(ImageList.size(total))"
        } else if done > 0 {
            text += " \(ImageList.size(done))"
        }
        if layers > 0 { text += ", layer \(min(layers, (progress["layersDone"]?.integerValue ?? 0) + 1)) of \(layers)" }
        line(text)
    }

    /// Shows that so many bytes were sent.
    func show(_ label: String, sent bytes: Int64) { line("\(label): sending \(ImageList.size(bytes))") }

    /// `[=====>    ]  52%`.
    static func bar(_ done: Int64, of total: Int64, width: Int) -> String {
        let share = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0
        let full = Int(share * Double(width))
        let head = full < width ? ">" : ""
        let percent = String(Int(share * 100))
        return "[" + String(repeating: "=", count: full) + head
            + Help.spaces(width - full - head.count) + "] " + Help.spaces(3 - percent.count) + percent + "%"
    }

    private func line(_ text: String) {
        draw("\r" + Printable.line(text).prefix(max(1, width - 1)) + "\u{1b}[K")
        isShown = true
    }

    func clear() {
        if isShown { draw("\r\u{1b}[K") }
        isShown = false
    }
}
