/// Bytes that an image supplied, made fit for one line of a terminal, a log or JSON: control characters, quotes and
/// what is not ASCII as `\xNN`, at most 160 of them.
func escaped(_ bytes: some Collection<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var out: [UInt8] = []
    for byte in bytes.prefix(160) {
        if byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\\"), byte != UInt8(ascii: "\"") {
            out.append(byte)
        } else {
            out.append(contentsOf: [UInt8(ascii: "\\"), UInt8(ascii: "x")])
            out.append(digits[Int(byte >> 4)])
            out.append(digits[Int(byte & 15)])
        }
    }
    if bytes.count > 160 { out.append(contentsOf: "...".utf8) }
    return String(decoding: out, as: UTF8.self)
}

func escaped(_ text: String) -> String { escaped(text.utf8) }
