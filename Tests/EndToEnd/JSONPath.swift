import JSON

extension JSONValue {
    /// The value at a path of keys and list indices, `status.containerStatuses.0.state`.
    func at(_ path: String) -> JSONValue? {
        var value: JSONValue? = self
        for part in path.split(separator: ".") {
            if let list = value?.arrayValue, let index = Int(part) {
                value = list.indices.contains(index) ? list[index] : nil
            } else {
                value = value?[String(part)]
            }
        }
        return value
    }

    func string(_ path: String) -> String? { at(path)?.stringValue }
    func integer(_ path: String) -> Int64? { at(path)?.integerValue }

    /// The status of a container or init container.
    func container(_ name: String = "main") -> JSONValue? {
        for list in ["container", "initContainer", "ephemeralContainer"].map({ "status.\($0)Statuses" }) {
            for status in at(list)?.arrayValue ?? [] where status.string("name") == name { return status }
        }
        return nil
    }
}
