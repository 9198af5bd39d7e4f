import CYAML
import JSON

/// What libyaml reads, one event after another.
enum YAMLEvent {
    case streamStart
    case streamEnd
    case documentStart
    case documentEnd
    case alias(String)
    /// `isPlain`: written without quotes or block indicator.
    case scalar(String, isPlain: Bool, tag: String?, anchor: String?)
    case sequenceStart(tag: String?, anchor: String?)
    case sequenceEnd
    case mappingStart(tag: String?, anchor: String?)
    case mappingEnd
}

/// libyaml's parser over bytes it owns.
struct YAMLEventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// Nil when there is no memory.
    init?(_ bytes: [UInt8]) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            return nil
        }
        self.parser = parser
        // libyaml keeps the pointer: the bytes must stay where they are until the parser is gone.
        input = .allocate(capacity: max(bytes.count, 1))
        _ = input.update(fromContentsOf: bytes)
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// The next event and where it starts.
    mutating func next() throws(YAMLError) -> (event: YAMLEvent, position: SourcePosition) {
        var raw = yaml_event_t()
        guard yaml_parser_parse(parser, &raw) == 1 else { throw failure() }
        defer { yaml_event_delete(&raw) }
        let position = Self.position(raw.start_mark)
        switch raw.type {
        case YAML_STREAM_START_EVENT: return (.streamStart, position)
        case YAML_DOCUMENT_START_EVENT: return (.documentStart, position)
        case YAML_DOCUMENT_END_EVENT: return (.documentEnd, position)
        case YAML_ALIAS_EVENT: return (.alias(Self.text(raw.data.alias.anchor) ?? ""), position)
        case YAML_SCALAR_EVENT:
            let scalar = raw.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw YAMLError("invalid UTF-8", at: position)
            }
            let event = YAMLEvent.scalar(
                text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE, tag: Self.text(scalar.tag),
                anchor: Self.text(scalar.anchor))
            return (event, position)
        case YAML_SEQUENCE_START_EVENT:
            let start = raw.data.sequence_start
            return (.sequenceStart(tag: Self.text(start.tag), anchor: Self.text(start.anchor)), position)
        case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, position)
        case YAML_MAPPING_START_EVENT:
            let start = raw.data.mapping_start
            return (.mappingStart(tag: Self.text(start.tag), anchor: Self.text(start.anchor)), position)
        case YAML_MAPPING_END_EVENT: return (.mappingEnd, position)
        default: return (.streamEnd, position)
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private static func position(_ mark: yaml_mark_t) -> SourcePosition {
        SourcePosition(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
    }

    private func failure() -> YAMLError {
        let problem = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
        switch parser.pointee.error {
        case YAML_MEMORY_ERROR: return YAMLError("out of memory", at: .none)
        case YAML_READER_ERROR:
            // Bytes that are no text: libyaml gives only their offset.
            let before = input.prefix(Int(clamping: parser.pointee.problem_offset))
            let line = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
            let lines = before.count { $0 == 0x0A }
            return YAMLError(problem, at: SourcePosition(line: lines + 1, column: before.count - line + 1))
        default:
            let context = parser.pointee.context.map { " \(String(cString: $0))" } ?? ""
            return YAMLError(problem + context, at: Self.position(parser.pointee.problem_mark))
        }
    }
}
