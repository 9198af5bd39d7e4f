import Linux
import OCI

/// One step of building a container's file systems. A plan is a list of them: a pure value, carried out by
/// `SetupInterpreter`.
enum SetupStep: Hashable, Sendable {
    /// Names a mount that a step makes, for later steps.
    enum Slot: Hashable, Sendable {
        case root
        case mount(Int)
    }

    /// Detached copy of a host path.
    case bind(Slot, source: String, recursive: Bool)
    /// Mounts of this namespace stop travelling to and from the host's.
    case isolate
    case overlay(Slot, lower: [String], upper: String, work: String)
    case filesystem(Slot, type: String, source: String, options: [FilesystemOption], attributes: MountAttributes)
    case change(
        Slot, set: MountAttributes, clear: MountAttributes, propagation: MountPropagation?, recursive: Bool)
    /// Refuses to share mounts with the host (Bidirectional, HostToContainer) when the host does not share them.
    case requireShared(source: String, bothWays: Bool)
    /// Entries of a file system that nobody else can see yet.
    case node(Slot, RuntimeDevice)
    case link(Slot, path: String, target: String)
    case attachRoot(Slot)
    case attach(Slot, destination: String, links: RootDirectory.Links, isBind: Bool)
    /// Hides what stands at the path, if anything.
    case mask(String)
    case readOnly(String)
    /// Makes the container's root this process's and lets the host's tree go.
    case pivot
    /// After the working folder has been made.
    case sealRoot
    case rootPropagation(MountPropagation, recursive: Bool)
}
