/// `$(NAME)` in values, commands and arguments, as Kubernetes expands it: `$$` is a `$`, a reference to an unknown
/// name and anything that is not a whole reference stay as they are.
public enum VariableExpansion {
    /// The text with its references replaced.
    ///
    /// - Parameter value: the variable of a name, nil when there is none.
    public static func expand(_ text: String, _ value: (String) -> String?) -> String {
        let dollar = UInt8(ascii: "$")
        guard text.utf8.contains(dollar) else { return text }
        let input = Array(text.utf8)
        var output: [UInt8] = []
        output.reserveCapacity(input.count)
        var i = 0
        while i < input.count {
            guard input[i] == dollar, i + 1 < input.count else {
                output.append(input[i])
                i += 1
                continue
            }
            switch input[i + 1] {
            case dollar:
                output.append(dollar)
                i += 2
            case UInt8(ascii: "("):
                guard let close = input[(i + 2)...].firstIndex(of: UInt8(ascii: ")")) else {
                    // No later reference can be whole either.
                    output.append(contentsOf: incomplete(input[i...]))
                    return String(decoding: output, as: UTF8.self)
                }
                let name = String(decoding: input[(i + 2)..<close], as: UTF8.self)
                output.append(contentsOf: (value(name) ?? "$(\(name))").utf8)
                i = close + 1
            default:
                output.append(dollar)
                output.append(input[i + 1])
                i += 2
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// The rest of a text without any closing parenthesis: only `$$` still means something.
    private static func incomplete(_ rest: ArraySlice<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        var skip = false
        for (i, byte) in zip(rest.indices, rest) {
            if skip {
                skip = false
                // The second of a pair `$x` is copied, that of `$$` is dropped.
                if byte != UInt8(ascii: "$") { output.append(byte) }
                continue
            }
            output.append(byte)
            if byte == UInt8(ascii: "$"), i + 1 < rest.endIndex { skip = true }
        }
        return output
    }
}
