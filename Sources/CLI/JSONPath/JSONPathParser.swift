import JSON

/// Reads JSONPath as kubectl does.
struct JSONPathParser {
    private let text: [Unicode.Scalar]
    private var place = 0

    init(_ text: String) { self.text = Array(text.unicodeScalars) }

    private init(_ text: some Collection<Unicode.Scalar>) { self.text = Array(text) }

    private var next: Unicode.Scalar? { place < text.count ? text[place] : nil }

    private func starts(with word: String) -> Bool { text[place...].starts(with: word.unicodeScalars) }

    private func error(_ message: String) -> JSONPathError { JSONPathError("\(message), at character \(place + 1)") }

    // MARK: Templates

    mutating func template() throws(JSONPathError) -> [JSONPathPart] {
        // The parts of the ranges that are open, the outermost first.
        var open: [(path: [JSONPathNode], before: [JSONPathPart])] = []
        var parts: [JSONPathPart] = []
        while let scalar = next {
            if scalar != "{" {
                let end = text[place...].firstIndex(of: "{") ?? text.count
                parts.append(.text(Self.string(text[place..<end])))
                place = end
                continue
            }
            place += 1
            switch try action() {
            case .path(let nodes): if !nodes.isEmpty { parts.append(.path(nodes)) }
            case .range(let nodes):
                open.append((nodes, parts))
                parts = []
            case .end:
                guard let (path, before) = open.popLast() else { throw error("{end} without a {range}") }
                parts = before + [.range(path, body: parts)]
            }
        }
        // As with kubectl, a range without an end goes on to the end of the text.
        while let (path, before) = open.popLast() { parts = before + [.range(path, body: parts)] }
        return parts
    }

    private enum Action {
        case path([JSONPathNode])
        case range([JSONPathNode])
        case end
    }

    /// What stands between braces; the opening one is behind.
    private mutating func action() throws(JSONPathError) -> Action {
        skipSpace()
        let word = identifier()
        switch word {
        case "": return .path(try path(until: "}"))
        case "end":
            skipSpace()
            guard next == "}" else { throw error("{end} takes nothing") }
            place += 1
            return .end
        case "range": return .range(try path(until: "}"))
        case "true", "false": return .path([.literal(.bool(word == "true"))] + (try path(until: "}")))
        default:
            throw error("unrecognized identifier \"\(word)\"; a field is written with a dot, as .\(word)")
        }
    }

    private mutating func identifier() -> String {
        guard let first = next, !("0"..."9").contains(first) else { return "" }
        let start = place
        while let scalar = next, Self.isAlphanumeric(scalar) { place += 1 }
        return Self.string(text[start..<place])
    }

    private mutating func skipSpace() { while let scalar = next, Self.isSpace(scalar) { place += 1 } }

    // MARK: Paths

    /// The steps up to `end` (which is passed over), or to the end of the text.
    private mutating func path(until end: Unicode.Scalar?) throws(JSONPathError) -> [JSONPathNode] {
        var nodes: [JSONPathNode] = []
        while true {
            guard let scalar = next else {
                if end == nil { return nodes }
                throw error("unclosed action: \"}\" is missing")
            }
            if scalar == end {
                place += 1
                return nodes
            }
            switch scalar {
            case "@", "$", " ", "\t", "\n", "\r": place += 1
            case "\"", "'": nodes.append(.literal(.string(try quoted(scalar))))
            case "[" where starts(with: "[?("): nodes.append(try filter())
            case "[": nodes += try brackets()
            case "." where starts(with: ".."):
                if nodes.last == .descendants { throw error("invalid multiple recursive descent") }
                place += 2
                nodes.append(.descendants)
                if let after = next, Self.isAlphanumeric(after) || after == "*" { nodes.append(field()) }
            case ".":
                place += 1
                nodes.append(field())
            case "+", "-", "0"..."9": nodes.append(.literal(try number()))
            default:
                let word = identifier()
                guard word == "true" || word == "false" else {
                    throw error("unrecognized character in action: \"\(word.isEmpty ? String(scalar) : word)\"")
                }
                nodes.append(.literal(.bool(word == "true")))
            }
        }
    }

    /// The name after a dot; `\` takes the next character as it is.
    private mutating func field() -> JSONPathNode {
        var name = String.UnicodeScalarView()
        var isEscaped = false
        while let scalar = next, !Self.endsField(scalar) {
            place += 1
            guard scalar == "\\", let escaped = next else {
                name.append(scalar)
                continue
            }
            isEscaped = true
            name.append(escaped)
            place += 1
        }
        return String(name) == "*" && !isEscaped ? .wildcard : .field(String(name))
    }

    private mutating func number() throws(JSONPathError) -> JSONValue {
        let start = place
        while let scalar = next, "+-.eE".unicodeScalars.contains(scalar) || ("0"..."9").contains(scalar) { place += 1 }
        let literal = Self.string(text[start..<place])
        if let integer = Int64(literal) { return .integer(integer) }
        guard Double(literal) != nil else { throw error("cannot read the number \(literal)") }
        return JSONValue(.number(literal))
    }

    /// Text in quotes, with Go's escapes.
    private mutating func quoted(_ quote: Unicode.Scalar) throws(JSONPathError) -> String {
        place += 1
        var out = String.UnicodeScalarView()
        while let scalar = next {
            place += 1
            if scalar == quote { return String(out) }
            out.append(scalar == "\\" ? try escape() : scalar)
        }
        throw error("unterminated quoted string")
    }

    private mutating func escape() throws(JSONPathError) -> Unicode.Scalar {
        guard let scalar = next else { throw error("unterminated quoted string") }
        place += 1
        switch scalar {
        case "a": return "\u{07}"
        case "b": return "\u{08}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "x": return try hexadecimal(2)
        case "u": return try hexadecimal(4)
        case "U": return try hexadecimal(8)
        case "\\", "'", "\"": return scalar
        default: throw error("unknown escape \\\(scalar)")
        }
    }

    private mutating func hexadecimal(_ digits: Int) throws(JSONPathError) -> Unicode.Scalar {
        let end = min(place + digits, text.count)
        let value = UInt32(Self.string(text[place..<end]), radix: 16)
        guard end == place + digits, let value, let scalar = Unicode.Scalar(value) else {
            throw error("\(digits) hexadecimal digits are missing")
        }
        place = end
        return scalar
    }

    // MARK: Brackets

    private mutating func brackets() throws(JSONPathError) -> [JSONPathNode] {
        let start = place + 1
        guard let end = text[start...].firstIndex(of: "]") else { throw error("unterminated array: \"]\" is missing") }
        let inner = text[start..<end]
        let parts = inner.split(separator: ",", omittingEmptySubsequences: false)
        if parts.count > 1 {
            var paths: [[JSONPathNode]] = []
            for part in parts { paths.append(try selection(part)) }
            place = end + 1
            return [.union(paths)]
        }
        let nodes = try selection(inner)
        place = end + 1
        return nodes
    }

    /// One thing in brackets: a quoted key (which may be a path), an index, a slice or `*`.
    private func selection(_ inner: ArraySlice<Unicode.Scalar>) throws(JSONPathError) -> [JSONPathNode] {
        var inner = inner
        while inner.first == " " { inner.removeFirst() }
        while inner.last == " " { inner.removeLast() }
        if inner.count >= 2, let quote = inner.first, quote == "'" || quote == "\"", inner.last == quote {
            var parser = JSONPathParser(["."] + inner.dropFirst().dropLast())
            return try parser.path(until: nil)
        }
        let written = Self.string(inner)
        if written == "*" { return [.elements(.init())] }
        let numbers = written.split(separator: ":", omittingEmptySubsequences: false)
        var slice = JSONPathNode.Slice()
        for (n, number) in numbers.enumerated() where !number.isEmpty {
            guard n < 3, let value = Int(number), abs(value) <= 1 << 31 else {
                throw error("invalid array index \(written)")
            }
            switch n {
            case 0: slice.start = value
            case 1: slice.end = value
            default: slice.step = value
            }
        }
        guard !written.isEmpty, numbers.count <= 3 else { throw error("invalid array index \"\(written)\"") }
        if let step = slice.step, step <= 0 { throw error("the step must be greater than 0") }
        slice.isIndex = numbers.count == 1
        return [.elements(slice)]
    }

    private mutating func filter() throws(JSONPathError) -> JSONPathNode {
        place += 3
        let start = place
        var quote: Unicode.Scalar?
        var operatorStart: Int?
        while let scalar = next, scalar != ")" || quote != nil {
            if let open = quote {
                if scalar == "\\" { place += 1 } else if scalar == open { quote = nil }
            } else if scalar == "'" || scalar == "\"" {
                quote = scalar
            } else if operatorStart == nil, Self.isComparison(scalar) {
                operatorStart = place
            }
            place += 1
        }
        guard place < text.count else { throw error("unterminated filter: \")]\" is missing") }
        let end = place
        place += 1
        guard next == "]" else { throw error("unclosed array: expected ]") }
        place += 1
        guard let operatorStart else {
            return .filter(.init(left: try Self.path(text[start..<end]), comparison: nil, right: []))
        }
        let operatorEnd = text[operatorStart..<end].firstIndex { !Self.isComparison($0) } ?? end
        let word = Self.string(text[operatorStart..<operatorEnd])
        guard let comparison = JSONPathNode.Filter.Operator(rawValue: word) else {
            throw error("unrecognized filter operator \(word)")
        }
        return .filter(
            .init(
                left: try Self.path(text[start..<operatorStart]), comparison: comparison,
                right: try Self.path(text[operatorEnd..<end])))
    }

    private static func path(_ text: ArraySlice<Unicode.Scalar>) throws(JSONPathError) -> [JSONPathNode] {
        var parser = JSONPathParser(text)
        let nodes = try parser.path(until: nil)
        if nodes.isEmpty, !text.contains("@") { throw parser.error("the filter is incomplete") }
        return nodes
    }

    // MARK: Characters

    private static func isComparison(_ scalar: Unicode.Scalar) -> Bool { "!<>=".unicodeScalars.contains(scalar) }
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r"
    }
    private static func isAlphanumeric(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }
    private static func endsField(_ scalar: Unicode.Scalar) -> Bool {
        isSpace(scalar) || ".,[]$@{}".unicodeScalars.contains(scalar) || isComparison(scalar)
    }
    private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }
}
