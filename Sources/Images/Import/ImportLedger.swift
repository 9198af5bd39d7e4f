import Base
import JSON

/// Which files of the import folder were loaded already, so that a restart does not load them again.
struct ImportLedger {
    struct Record: Hashable, Sendable {
        var identity: FileIdentity
        /// Ids of the images that came of it.
        var images: [String]
    }

    private static let schema: Int64 = 1

    var files: [String: Record] = [:]

    init() {}

    init(_ value: JSONValue) throws(JSONError) {
        guard try value.requiredInteger("schema") <= Self.schema else {
            throw JSONError("schema: written by a newer release", at: value.position)
        }
        for member in try value.required("files", "a list", { $0.arrayValue }) {
            // Numbers of devices and inodes use all 64 bits.
            guard let device = UInt64(try member.requiredString("device")),
                let inode = UInt64(try member.requiredString("inode"))
            else { throw JSONError("device, inode: expected numbers", at: member.position) }
            let identity = FileIdentity(
                device: device, inode: inode, size: try member.requiredInteger("size"),
                modified: try member.requiredInteger("modified"))
            files[try member.requiredString("name")] = Record(
                identity: identity, images: try member.optionalStrings("images") ?? [])
        }
    }

    var json: JSONValue {
        let members = files.sorted { $0.key < $1.key }.map { name, record -> JSONValue in
            [
                "name": .string(name), "device": .string("\(record.identity.device)"),
                "inode": .string("\(record.identity.inode)"), "size": .integer(record.identity.size),
                "modified": .integer(record.identity.modified), "images": .strings(record.images),
            ]
        }
        return ["schema": .integer(Self.schema), "files": .array(members)]
    }
}
