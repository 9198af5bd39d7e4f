import CNITypes
import JSON

/// Keys that several plugins have.
extension JSONValue {
    /// `mtu`, in bytes, within what the kernel takes; nil when it is missing or 0: the kernel's.
    func mtu() throws(JSONError) -> UInt32? {
        guard let value = try optionalInteger("mtu"), value != 0 else { return nil }
        guard (68...65535).contains(value) else {
            throw JSONError("mtu: expected 68 to 65535", at: self["mtu"]?.position ?? position)
        }
        return UInt32(value)
    }

    /// `dns`, written as in a result.
    func dns() throws(JSONError) -> CNIResult.DNS {
        guard let value = self["dns"], !value.isNull else { return CNIResult.DNS() }
        return try CNIResult(json: .object(JSONObject([.init(key: "dns", value: value)]))).dns
    }

    /// `mode`, one of `names`; the first when it is missing.
    func mode<Mode: Sendable>(_ names: [(String, Mode)]) throws(JSONError) -> Mode {
        let text = try optionalString("mode") ?? ""
        if let found = names.first(where: { text.isEmpty || $0.0 == text }) { return found.1 }
        let list = names.map(\.0).joined(separator: ", ")
        throw JSONError("mode: \"\(text)\" is none of \(list)", at: self["mode"]?.position ?? position)
    }
}
