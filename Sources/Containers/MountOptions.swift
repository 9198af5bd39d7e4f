import Base
import Linux
import OCI

/// The options of one mount, sorted by what they act on.
struct MountOptions: Hashable {
    var set: MountAttributes = []
    var clear: MountAttributes = []
    /// For this mount and all below it (`rro`).
    var setBelow: MountAttributes = []
    var clearBelow: MountAttributes = []
    var propagation: MountPropagation?
    var propagatesBelow = false
    /// What is mounted below the source comes along.
    var recursive = false
    /// The file system's own parameters.
    var data: [FilesystemOption] = []

    /// - Throws: `ContainerError` naming the option that is not known or contradicts the type.
    init(_ mount: RuntimeMount) throws(ContainerError) {
        for option in mount.options {
            if try readGeneral(option) { continue }
            if mount.isBind {
                throw ContainerError(
                    .invalid, "bind \(mount.destination)", "option \"\(option)\"", .invalid,
                    hint: "a bind mount takes no parameters of a file system")
            }
            if let equals = option.firstIndex(of: "=") {
                data.append(
                    FilesystemOption(
                        String(option[..<equals]), String(option[option.index(after: equals)...])))
            } else {
                data.append(FilesystemOption(option))
            }
        }
    }

    private static let attributes: [String: (set: MountAttributes, clear: MountAttributes)] = [
        "ro": (.readOnly, []), "rw": ([], .readOnly),
        "nosuid": (.noSetUserID, []), "suid": ([], .noSetUserID),
        "nodev": (.noDevices, []), "dev": ([], .noDevices),
        "noexec": (.noExecute, []), "exec": ([], .noExecute),
        "noatime": (.noAccessTime, .accessTimeMode), "atime": ([], .accessTimeMode),
        "relatime": ([], .accessTimeMode), "norelatime": (.strictAccessTime, .accessTimeMode),
        "strictatime": (.strictAccessTime, .accessTimeMode), "nostrictatime": ([], .accessTimeMode),
        "nodiratime": (.noDirectoryAccessTime, []), "diratime": ([], .noDirectoryAccessTime),
        "nosymfollow": (.noSymlinkFollow, []), "symfollow": ([], .noSymlinkFollow),
    ]

    private static let propagations: [String: MountPropagation] = [
        "private": .private, "slave": .slave, "shared": .shared, "unbindable": .unbindable,
    ]

    /// False when the option is none of every mount.
    private mutating func readGeneral(_ option: String) throws(ContainerError) -> Bool {
        switch option {
        case "bind", "defaults", "": return true
        case "rbind":
            recursive = true
            return true
        default: break
        }
        if let (set, clear) = Self.attributes[option] {
            self.set.subtract(clear)
            self.clear.subtract(set)
            self.set.formUnion(set)
            self.clear.formUnion(clear)
            return true
        }
        if let propagation = Self.propagations[option] {
            (self.propagation, propagatesBelow) = (propagation, false)
            return true
        }
        guard option.hasPrefix("r") else { return false }
        let base = String(option.dropFirst())
        if let propagation = Self.propagations[base] {
            (self.propagation, propagatesBelow) = (propagation, true)
            return true
        }
        if let (set, clear) = Self.attributes[base] {
            setBelow.formUnion(set)
            clearBelow.formUnion(clear)
            return true
        }
        return false
    }

    /// `private`, `rslave` ... of `rootfsPropagation`.
    static func propagation(named name: String) -> (MountPropagation, recursive: Bool)? {
        if let value = propagations[name] { return (value, false) }
        if name.hasPrefix("r"), let value = propagations[String(name.dropFirst())] { return (value, true) }
        return nil
    }
}
