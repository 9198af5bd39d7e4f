import JSON

/// The capability sets of a container's process, by name (`CAP_CHOWN`).
public struct RuntimeCapabilities: Sendable, Hashable {
    public var bounding: [String]
    public var effective: [String]
    public var permitted: [String]
    /// Always empty for us, but for what `ambient` needs (CVE-2022-29162).
    public var inheritable: [String]
    public var ambient: [String]

    /// The same names in the bounding, effective and permitted sets.
    public init(_ names: [String] = []) {
        bounding = names
        effective = names
        permitted = names
        inheritable = []
        ambient = []
    }

    init(json: JSONValue, at path: String) throws(JSONError) {
        let reader = try RuntimeReader(
            json, at: path, keys: ["bounding", "effective", "permitted", "inheritable", "ambient"])
        bounding = try reader.strings("bounding")
        effective = try reader.strings("effective")
        permitted = try reader.strings("permitted")
        inheritable = try reader.strings("inheritable")
        ambient = try reader.strings("ambient")
    }

    var json: JSONValue {
        var object = JSONObject()
        object.append("bounding", ifPresent: .nonEmpty(bounding))
        object.append("effective", ifPresent: .nonEmpty(effective))
        object.append("permitted", ifPresent: .nonEmpty(permitted))
        object.append("inheritable", ifPresent: .nonEmpty(inheritable))
        object.append("ambient", ifPresent: .nonEmpty(ambient))
        return .object(object)
    }
}
