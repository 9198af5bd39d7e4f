/// The shape of v1 ConfigMap and v1 Secret.
enum DataSchema {
    private static func field(_ name: String, _ type: PodSchema.FieldType) -> PodSchema.Field {
        PodSchema.Field(name: name, type: type, isRequired: false)
    }

    private static let common = [
        field("apiVersion", .string), field("immutable", .bool), field("kind", .string),
        field("metadata", .object("ObjectMeta")),
    ]

    /// As `PodSchema.types`.
    static let types: [String: [PodSchema.Field]] = [
        DataObject.Kind.configMap.rawValue:
            common + [field("binaryData", .map(.string)), field("data", .map(.string))],
        DataObject.Kind.secret.rawValue:
            common + [field("data", .map(.string)), field("stringData", .map(.string)), field("type", .string)],
    ]
}
