import Base
import JSON
import YAML

/// Reads a YAML file of the operator's strictly, what it does not know is wrong, and gathers all that is wrong.
protocol StrictDecoder {
    associatedtype File
    /// `line:column: message`
    var issues: [String] { get set }
    init()
    mutating func file(_ document: JSONValue) -> File
}

extension StrictDecoder {
    /// No more of what is wrong is gathered: aliases repeat a mistake as often as they like.
    static var issueLimit: Int { 100 }

    /// Reads the file at `path`.
    ///
    /// - Returns: nil when it is not there.
    /// - Throws: `RegistryError` with all that is wrong, a line each: `file:line:column: message`.
    static func read(_ path: String) throws(RegistryError) -> File? {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try Files.read(path, limit: 1 << 20) } catch {
            if error.errno == .noEntry { return nil }
            throw RegistryError(.configuration, "\(error)")
        }
        return try decode(bytes, path: path)
    }

    /// Reads the text of a file.
    ///
    /// - Returns: nil when there is nothing in it.
    /// - Throws: `RegistryError` with all that is wrong, a line each: `file:line:column: message`.
    static func decode(_ text: some Collection<UInt8>, path: String) throws(RegistryError) -> File? {
        let limits = YAML.Limits(bytes: 1 << 20, depth: 32, values: 20_000)
        let documents: [JSONValue]
        do throws(YAMLError) { documents = try YAML.documents(text, limits: limits).filter { !$0.isNull } } catch {
            throw RegistryError(.configuration, "\(path):\(error.position): \(error.message)")
        }
        guard let document = documents.first else { return nil }
        var decoder = Self()
        if documents.count > 1 { decoder.complain("a second document; the file is one", documents[1]) }
        let file = decoder.file(document)
        if decoder.issues.isEmpty { return file }
        throw RegistryError(.configuration, decoder.issues.map { "\(path):\($0)" }.joined(separator: "\n"))
    }

    mutating func complain(_ message: String, _ value: JSONValue) { complain(message, value.position) }

    mutating func complain(_ message: String, _ position: SourcePosition) {
        guard issues.count < Self.issueLimit else { return }
        issues.append("\(position): \(message)")
        if issues.count == Self.issueLimit { issues.append("\(position): there is more wrong after this") }
    }

    /// The members of an object, those without a value left out.
    mutating func members(_ value: JSONValue, _ name: String) -> [JSONObject.Member] {
        guard let object = value.objectValue else {
            complain("\(name): expected a mapping, found \(value.kind)", value)
            return []
        }
        return object.members.filter { !$0.value.isNull }
    }

    mutating func unknown(_ member: JSONObject.Member, in name: String, _ known: [String]) {
        complain(
            "\(escaped(member.key)): unknown field of \(name); there are \(known.joined(separator: ", "))",
            member.keyPosition)
    }

    mutating func string(_ member: JSONObject.Member) -> String {
        guard let text = member.value.stringValue else {
            complain("\(member.key): expected a string, found \(member.value.kind)", member.value)
            return ""
        }
        return text
    }

    /// The strings of a list that is not empty.
    mutating func strings(_ member: JSONObject.Member, of what: String) -> [String] {
        guard let list = member.value.arrayValue, !list.isEmpty else {
            complain("\(member.key): expected a list of \(what), found \(member.value.kind)", member.value)
            return []
        }
        return list.compactMap { element in
            if let text = element.stringValue, !text.isEmpty { return text }
            complain("\(member.key): expected \(what), found \(element.kind)", element)
            return nil
        }
    }

    mutating func path(_ member: JSONObject.Member) -> String {
        let path = string(member)
        if !path.hasPrefix("/") { complain("\(member.key): expected an absolute path", member.value) }
        return path
    }
}
