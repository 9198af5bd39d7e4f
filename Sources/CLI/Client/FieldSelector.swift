import JSON

/// A field selector of pods: `status.phase=Running,metadata.name!=web`, with the fields that the API server has for
/// pods.
struct FieldSelector: Hashable {
    private struct Requirement: Hashable {
        var path: [String]
        var value: String
        var isEqual: Bool
    }

    static let fields = [
        "metadata.name", "metadata.namespace", "spec.hostNetwork", "spec.nodeName", "spec.restartPolicy",
        "spec.schedulerName", "spec.serviceAccountName", "status.phase", "status.podIP",
    ]

    private var requirements: [Requirement]

    /// - Throws: `CLIError` that names the part that cannot be used.
    init(_ text: String) throws(CLIError) {
        requirements = []
        for part in text.split(separator: ",") {
            guard let range = ["!=", "==", "="].lazy.compactMap({ part.firstRange(of: $0) }).first else {
                throw .usage("--field-selector: cannot read \"\(part)\"; an example: status.phase=Running")
            }
            let name = String(part[..<range.lowerBound])
            guard Self.fields.contains(name) else {
                throw .usage(
                    "--field-selector: \"\(name)\" is no field of pods to select by; one of: "
                        + Self.fields.joined(separator: ", "))
            }
            requirements.append(
                Requirement(
                    path: name.split(separator: ".").map(String.init), value: String(part[range.upperBound...]),
                    isEqual: !part[range].hasPrefix("!")))
        }
    }

    func matches(_ pod: JSONValue) -> Bool {
        requirements.allSatisfy { requirement in
            let value = requirement.path.reduce(pod as JSONValue?) { $0?[$1] }
            let text =
                value.map { JSONPathTemplate.text($0) } ?? (requirement.path.last == "hostNetwork" ? "false" : "")
            return (text == requirement.value) == requirement.isEqual
        }
    }
}
