import JSON

/// The objects of a document: itself, or the items of a v1 List or PodList.
public enum ManifestObjects {
    /// - Throws: `PodDecodingError` when the document is a list that is not put together as one.
    public static func split(_ document: JSONValue) throws(PodDecodingError) -> [JSONValue] {
        guard let object = document.objectValue, let kind = object["kind"]?.stringValue,
            kind == "List" || kind == "PodList", object["apiVersion"]?.stringValue == "v1"
        else { return [document] }
        let path = FieldPath()
        for member in object.members where !["apiVersion", "kind", "metadata", "items"].contains(member.key) {
            throw PodDecodingError([
                ManifestIssue("unknown field", at: member.keyPosition, path: path.field(member.key))
            ])
        }
        guard let items = object["items"] else {
            // What was cut off after its first lines must not look like a list of nothing.
            let message = "missing; a list of nothing is written as items: []"
            throw PodDecodingError([ManifestIssue(message, at: document.position, path: path.field("items"))])
        }
        // Go writes an empty list so.
        if items.isNull { return [] }
        guard let elements = items.arrayValue else {
            let message = "expected a list, found \(items.kind)"
            throw PodDecodingError([ManifestIssue(message, at: items.position, path: path.field("items"))])
        }
        var objects: [JSONValue] = []
        for (n, element) in elements.enumerated() {
            if let inner = element["kind"]?.stringValue, inner == "List" || inner == "PodList" {
                let message = "a list inside a list; take its items out"
                throw PodDecodingError([
                    ManifestIssue(message, at: element.position, path: path.field("items")[n])
                ])
            }
            objects.append(kind == "PodList" ? typed(element) : element)
        }
        return objects
    }

    /// Items of a PodList need not say what they are.
    private static func typed(_ item: JSONValue) -> JSONValue {
        guard var object = item.objectValue else { return item }
        if object["apiVersion"] == nil { object["apiVersion"] = "v1" }
        if object["kind"] == nil { object["kind"] = "Pod" }
        return JSONValue(.object(object), at: item.position)
    }
}
