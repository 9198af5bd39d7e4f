/// Variables in a file, `NAME='value'`: what Kubernetes reads of an emptyDir (`fileKeyRef`).
///
/// Values stand in single quotes and are taken as they are, also over several lines. Spaces around the equals sign and
/// before a line, empty lines, and lines that begin with `#` are passed over. Anything else is a mistake: a shell might
/// read it as something else.
public struct EnvFile: Hashable, Sendable {
    /// The bytes that are read at most.
    public static let limit = 64 << 10

    public private(set) var values: [String: String] = [:]

    /// What is wrong with a file, and in which line.
    public struct Mistake: Error, Hashable, CustomStringConvertible {
        public var line: Int
        public var message: String
        public var description: String { "line \(line): \(message)" }
    }

    public init(parsing bytes: [UInt8]) throws(Mistake) {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw Mistake(line: 1, message: "the file is not UTF-8 text")
        }
        let (newline, quote) = (UInt8(ascii: "\n"), UInt8(ascii: "'"))
        func isSpace(_ c: UInt8) -> Bool { c == 0x20 || c == 0x09 || c == 0x0D }
        func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
        var rest = bytes[...]
        var line = 1
        while !rest.isEmpty {
            rest = rest.drop(while: isSpace)
            guard let first = rest.first, first != newline, first != UInt8(ascii: "#") else {
                rest = rest.drop { $0 != newline }.dropFirst()
                line += 1
                continue
            }
            let declaration = rest.prefix { $0 != newline }
            guard let equals = declaration.firstIndex(of: UInt8(ascii: "=")) else {
                throw Mistake(line: line, message: "expected NAME='value'")
            }
            var name = declaration[..<equals]
            while let last = name.last, isSpace(last) { name.removeLast() }
            guard !name.isEmpty, name.allSatisfy({ 0x20...0x7E ~= $0 }) else {
                throw Mistake(line: line, message: "the name of a variable is of printable ASCII characters")
            }
            rest = bytes[(equals + 1)...].drop(while: isSpace)
            guard rest.first == quote else {
                throw Mistake(line: line, message: "the value of \(text(name)) must be in single quotes")
            }
            rest = rest.dropFirst()
            guard let end = rest.firstIndex(of: quote) else {
                throw Mistake(line: line, message: "the value of \(text(name)) has no closing quote")
            }
            let value = rest[..<end]
            values[text(name)] = text(value)
            line += value.count { $0 == newline }
            rest = bytes[(end + 1)...].drop(while: isSpace)
            guard rest.isEmpty || rest.first == newline else {
                throw Mistake(line: line, message: "nothing may follow the closing quote of \(text(name))")
            }
            rest = rest.dropFirst()
            line += 1
        }
    }
}

/// The files that the variables of one container come from, as they were read for its start.
public struct EnvFiles: Hashable, Sendable {
    public struct Place: Hashable, Sendable {
        public var volume: String
        public var path: String
        public init(volume: String, path: String) {
            self.volume = volume
            self.path = path
        }
    }

    public enum Found: Hashable, Sendable {
        case file(EnvFile)
        case nothing
        /// It cannot be used, with why.
        case unusable(String)
    }

    public var found: [Place: Found]

    public init(_ found: [Place: Found] = [:]) { self.found = found }
}
