import CLinux
import JSON

extension SeccompProfile {
    /// Reads a profile file: the runtime specification's format, with the conditions of Docker's.
    ///
    /// - Parameter capabilities: the container's bounding set, by name, for the conditions.
    /// - Throws: `JSONError` naming what is unknown, out of range, or would not be carried out.
    public init(json: JSONValue, capabilities: some Sequence<String> = [] as [String]) throws(JSONError) {
        try Self.refuseOthers(
            json, "profile",
            [
                "defaultAction", "defaultErrnoRet", "defaultErrno", "architectures", "archMap", "flags", "syscalls",
                "comment",
            ])
        let held = Set(capabilities)
        defaultAction = try Self.action(
            json, key: "defaultAction", errno: try Self.number(json, "defaultErrnoRet"), "profile")
        for flag in try json.optionalStrings("flags") ?? [] where flag != "SECCOMP_FILTER_FLAG_TSYNC" {
            throw JSONError("flags: \(flag) is not supported", at: json["flags"]?.position ?? json.position)
        }
        var found: [SeccompArchitecture] = [.native]
        var names = try json.optionalStrings("architectures") ?? []
        for entry in json["archMap"]?.arrayValue ?? [] {
            guard let name = entry["architecture"]?.stringValue else { continue }
            if SeccompArchitecture(name: name) == .native {
                names += [name] + (try entry.optionalStrings("subArchitectures") ?? [])
            }
        }
        for name in names {
            // Another machine's conventions do no harm: profiles are written for several.
            if let architecture = SeccompArchitecture(name: name), SeccompArchitecture.usable.contains(architecture),
                !found.contains(architecture)
            {
                found.append(architecture)
            }
        }
        architectures = found
        rules = []
        newerCallsAreUnknown = true
        for (index, value) in (json["syscalls"]?.arrayValue ?? []).enumerated() {
            if let rule = try Self.rule(value, "syscalls[\(index)]", held) { rules.append(rule) }
        }
    }

    /// Nil when the rule's conditions do not hold here.
    private static func rule(_ json: JSONValue, _ path: String, _ held: Set<String>) throws(JSONError) -> SeccompRule? {
        try refuseOthers(
            json, path, ["names", "name", "action", "errnoRet", "errno", "args", "comment", "includes", "excludes"])
        var names = try json.optionalStrings("names") ?? []
        if let name = try json.optionalString("name") { names.append(name) }
        guard !names.isEmpty else { throw JSONError("\(path).names: missing", at: json.position) }
        let action = try action(json, key: "action", errno: try number(json, "errnoRet"), path)
        var arguments: [SeccompRule.Argument] = []
        for (index, value) in (json["args"]?.arrayValue ?? []).enumerated() {
            arguments.append(try argument(value, "\(path).args[\(index)]"))
        }
        if let includes = json["includes"], !includes.isNull {
            let (caps, arches, kernel) = try conditions(includes, "\(path).includes")
            guard caps.allSatisfy(held.contains), kernel ?? true,
                arches.isEmpty || arches.contains(SeccompArchitecture.goName)
            else { return nil }
        }
        if let excludes = json["excludes"], !excludes.isNull {
            let (caps, arches, kernel) = try conditions(excludes, "\(path).excludes")
            if caps.contains(where: held.contains) || kernel ?? false || arches.contains(SeccompArchitecture.goName) {
                return nil
            }
        }
        return SeccompRule(names, action, arguments)
    }

    private static func argument(_ json: JSONValue, _ path: String) throws(JSONError) -> SeccompRule.Argument {
        try refuseOthers(json, path, ["index", "value", "valueTwo", "op"])
        let index = try json.requiredInteger("index")
        guard (0...5).contains(index) else {
            throw JSONError("\(path).index: \(index) is not 0 to 5", at: json.position)
        }
        let op = try json.requiredString("op")
        guard let comparison = SeccompRule.Comparison(rawValue: op) else {
            throw JSONError("\(path).op: \"\(op)\" is not a comparison", at: json.position)
        }
        func value(_ key: String) throws(JSONError) -> UInt64? {
            try json.optional(key, "an unsigned integer") {
                switch $0.content {
                case .integer(let v): UInt64(exactly: v)
                case .number(let literal): UInt64(literal)
                default: nil
                }
            }
        }
        guard let first = try value("value") else { throw JSONError("\(path).value: missing", at: json.position) }
        return SeccompRule.Argument(UInt32(index), comparison, first, try value("valueTwo") ?? 0)
    }

    private static func conditions(
        _ json: JSONValue, _ path: String
    ) throws(JSONError) -> (caps: [String], arches: [String], kernelHolds: Bool?) {
        try refuseOthers(json, path, ["caps", "arches", "minKernel"])
        var holds: Bool?
        if let minimum = try json.optionalString("minKernel") {
            holds = KernelVersion.running >= KernelVersion(minimum)
        }
        return (try json.optionalStrings("caps") ?? [], try json.optionalStrings("arches") ?? [], holds)
    }

    private static func action(
        _ json: JSONValue, key: String, errno: UInt16?, _ path: String
    ) throws(JSONError) -> SeccompAction {
        let name = try json.requiredString(key)
        guard let action = SeccompAction(name: name, errno: errno) else {
            throw JSONError(
                "\(path).\(key): \"\(name)\" is not supported", at: json[key]?.position ?? json.position)
        }
        return action
    }

    private static func number(_ json: JSONValue, _ key: String) throws(JSONError) -> UInt16? {
        try json.optional(key, "an error number up to 4095") {
            $0.integerValue.flatMap { (0...4095).contains($0) ? UInt16($0) : nil }
        }
    }

    private static func refuseOthers(_ json: JSONValue, _ path: String, _ known: [String]) throws(JSONError) {
        guard let object = json.objectValue else {
            throw JSONError("\(path): expected an object, found \(json.kind)", at: json.position)
        }
        for member in object.members where !member.value.isNull && !known.contains(member.key) {
            throw JSONError("\(path).\(member.key): not supported; it would not be carried out", at: member.keyPosition)
        }
    }
}

/// The first two numbers of a kernel's release.
private struct KernelVersion: Comparable {
    var major: Int
    var minor: Int

    init(_ text: some StringProtocol) {
        let parts = text.split(separator: ".").prefix(2).map { Int($0.prefix { $0.isNumber }) ?? 0 }
        major = parts.first ?? 0
        minor = parts.count > 1 ? parts[1] : 0
    }

    static var running: KernelVersion {
        var names = utsname()
        _ = uname(&names)
        return withUnsafeBytes(of: names.release) { bytes in
            KernelVersion(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
        }
    }

    static func < (a: Self, b: Self) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
}
