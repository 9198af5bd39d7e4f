import CYAML
import JSON

/// Writes a value as `kubectl -o yaml` does: keys in natural order, two spaces, strings in quotes only where they would
/// read as something else, block literals for lines.
public enum YAMLWriter {
    /// The text of one document, or of several with `---` between them.
    public static func text(_ documents: JSONValue...) -> String {
        var text = ""
        for (n, document) in documents.enumerated() {
            if n > 0 { text += "---\n" }
            text += String(decoding: bytes(document), as: UTF8.self)
        }
        return text
    }

    private static func bytes(_ value: JSONValue) -> [UInt8] {
        let emitter = UnsafeMutablePointer<yaml_emitter_t>.allocate(capacity: 1)
        defer { emitter.deallocate() }
        guard yaml_emitter_initialize(emitter) == 1 else { return [] }
        defer { yaml_emitter_delete(emitter) }
        var out: [UInt8] = []
        withUnsafeMutablePointer(to: &out) { out in
            yaml_emitter_set_output(
                emitter,
                { context, bytes, count in
                    guard let context, let bytes else { return 0 }
                    context.assumingMemoryBound(to: [UInt8].self).pointee
                        .append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
                    return 1
                }, out)
            yaml_emitter_set_unicode(emitter, 1)
            var event = yaml_event_t()
            func emit() { yaml_emitter_emit(emitter, &event) }
            yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)
            emit()
            yaml_document_start_event_initialize(&event, nil, nil, nil, 1)
            emit()
            write(value, emitter)
            yaml_document_end_event_initialize(&event, 1)
            emit()
            yaml_stream_end_event_initialize(&event)
            emit()
        }
        return out
    }

    private static func write(_ value: JSONValue, _ emitter: UnsafeMutablePointer<yaml_emitter_t>) {
        var event = yaml_event_t()
        switch value.content {
        case .null: scalar("null", YAML_PLAIN_SCALAR_STYLE, emitter)
        case .bool(let flag): scalar(flag ? "true" : "false", YAML_PLAIN_SCALAR_STYLE, emitter)
        case .integer(let number): scalar(String(number), YAML_PLAIN_SCALAR_STYLE, emitter)
        case .number(let literal): scalar(literal, YAML_PLAIN_SCALAR_STYLE, emitter)
        case .string(let text): string(text, emitter)
        case .array(let elements):
            let style = elements.isEmpty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE
            yaml_sequence_start_event_initialize(&event, nil, nil, 1, style)
            yaml_emitter_emit(emitter, &event)
            for element in elements { write(element, emitter) }
            yaml_sequence_end_event_initialize(&event)
            yaml_emitter_emit(emitter, &event)
        case .object(let object):
            let style = object.isEmpty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE
            yaml_mapping_start_event_initialize(&event, nil, nil, 1, style)
            yaml_emitter_emit(emitter, &event)
            for member in object.members.sorted(by: { comesBefore($0.key, $1.key) }) {
                string(member.key, emitter)
                write(member.value, emitter)
            }
            yaml_mapping_end_event_initialize(&event)
            yaml_emitter_emit(emitter, &event)
        }
    }

    private static func string(_ text: String, _ emitter: UnsafeMutablePointer<yaml_emitter_t>) {
        let style =
            text.utf8.contains(0x0A)
            ? YAML_LITERAL_SCALAR_STYLE
            : YAMLScalar.needsQuotes(text) ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE
        scalar(text, style, emitter)
    }

    /// libyaml takes another style where this one cannot hold the text.
    private static func scalar(
        _ text: String, _ style: yaml_scalar_style_t, _ emitter: UnsafeMutablePointer<yaml_emitter_t>
    ) {
        var event = yaml_event_t()
        // With a byte after the text the address is never null, which libyaml asserts.
        (Array(text.utf8) + [0]).withUnsafeBufferPointer { bytes in
            _ = yaml_scalar_event_initialize(
                &event, nil, nil, bytes.baseAddress, Int32(clamping: bytes.count - 1), 1, 1, style)
        }
        yaml_emitter_emit(emitter, &event)
    }

    /// Digits by value, letters after everything else: `a2` before `a10`.
    static func comesBefore(_ a: String, _ b: String) -> Bool {
        let a = Array(a.unicodeScalars)
        let b = Array(b.unicodeScalars)
        func isDigit(_ c: Unicode.Scalar) -> Bool { c.value >= 0x30 && c.value <= 0x39 }
        guard let i = zip(a, b).enumerated().first(where: { $1.0 != $1.1 })?.offset else { return a.count < b.count }
        let (x, y) = (a[i], b[i])
        switch (x.properties.isAlphabetic, y.properties.isAlphabetic) {
        case (true, true): return x < y
        case (true, false), (false, true):
            let afterDigit = i > 0 && isDigit(a[i - 1])
            return afterDigit == x.properties.isAlphabetic
        case (false, false): break
        }
        // A number that goes on is longer, so larger, unless it began with zeros.
        let p = a[i...].prefix(while: isDigit)
        let q = b[i...].prefix(while: isDigit)
        let inside = a[..<i].reversed().prefix(while: isDigit).contains { $0 != "0" }
        let (m, n) = inside ? (p, q) : (p.drop { $0 == "0" }, q.drop { $0 == "0" })
        if m.count != n.count { return m.count < n.count }
        if let difference = zip(m, n).first(where: { $0 != $1 }) { return difference.0 < difference.1 }
        return p.count != q.count ? p.count < q.count : x < y
    }
}
