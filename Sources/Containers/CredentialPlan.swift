import Base
import Linux
import OCI

/// The capability sets that a process is to have, cut to what this runtime can give.
struct CredentialPlan: Hashable {
    var bounding: CapabilitySet
    var permitted: CapabilitySet
    var effective: CapabilitySet
    /// Never more than the ambient set needs (CVE-2022-29162).
    var inheritable: CapabilitySet
    var ambient: CapabilitySet
    /// What was asked for and cannot be given.
    var missing: CapabilitySet

    /// - Parameter available: what this process may use itself.
    /// - Throws: `ContainerError` for an unknown name, or inheritable ones that are not ambient.
    init(_ names: RuntimeCapabilities, available: CapabilitySet) throws(ContainerError) {
        func set(_ names: [String], _ field: String) throws(ContainerError) -> CapabilitySet {
            switch CapabilitySet.named(names) {
            case .success(let set): return set
            case .failure(let unknown):
                throw ContainerError(
                    .invalid, "process.capabilities.\(field)", "\"\(unknown.name)\"", .invalid,
                    hint: "this kernel has no such capability")
            }
        }
        let asked = (
            bounding: try set(names.bounding, "bounding"), permitted: try set(names.permitted, "permitted"),
            effective: try set(names.effective, "effective"), ambient: try set(names.ambient, "ambient")
        )
        let inheritable = try set(names.inheritable, "inheritable")
        guard inheritable.subtracting(asked.ambient).isEmpty else {
            throw ContainerError(
                .invalid, "process.capabilities.inheritable", inheritable.members.map(\.name).joined(separator: ", "),
                .invalid, hint: "only what is ambient may be inheritable")
        }
        guard asked.effective.union(asked.ambient).subtracting(asked.permitted).isEmpty else {
            throw ContainerError(
                .invalid, "process.capabilities", "effective and ambient", .invalid,
                hint: "they must be among the permitted ones")
        }
        bounding = asked.bounding.intersection(available)
        permitted = asked.permitted.intersection(available)
        effective = asked.effective.intersection(available)
        ambient = asked.ambient.intersection(available)
        self.inheritable = ambient
        missing = asked.bounding.union(asked.permitted).subtracting(available)
    }
}
