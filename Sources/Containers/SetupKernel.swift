import Base
import Linux
import OCI

/// What the interpreter of a plan needs of the kernel. The tests have a recorder of it.
protocol SetupKernel {
    /// A mount, attached or not.
    associatedtype Mount
    /// A place in the container's root file system, held open.
    associatedtype Target

    mutating func bind(_ source: String, recursive: Bool) throws(SystemError) -> Mount
    mutating func bind(_ target: Target, recursive: Bool) throws(SystemError) -> Mount
    mutating func overlay(lower: [String], upper: String, work: String) throws(SystemError) -> Mount
    mutating func filesystem(
        _ type: String, source: String, options: [FilesystemOption], attributes: MountAttributes
    ) throws(SystemError) -> Mount
    mutating func change(
        _ mount: Mount, set: MountAttributes, clear: MountAttributes, propagation: MountPropagation?, recursive: Bool
    ) throws(SystemError)
    /// Whether mounts made at this place of the host travel to copies of it, and with `bothWays` from there, too.
    mutating func isShared(_ source: String, bothWays: Bool) throws(SystemError) -> Bool
    mutating func isolate() throws(SystemError)
    mutating func makeNode(in mount: Mount, _ device: RuntimeDevice) throws(SystemError)
    mutating func makeLink(in mount: Mount, _ path: String, to target: String) throws(SystemError)
    /// From here on targets are resolved in this mount.
    mutating func attachRoot(_ mount: Mount) throws(SystemError)
    mutating func isDirectory(_ mount: Mount) throws(SystemError) -> Bool
    mutating func isDirectory(_ target: Target) throws(SystemError) -> Bool
    mutating func isProcfs(_ mount: Mount) throws(SystemError) -> Bool
    mutating func isProcfs(_ target: Target) throws(SystemError) -> Bool
    /// What stands at the path; nil when there is nothing.
    mutating func find(_ path: String, links: RootDirectory.Links) throws(SystemError) -> Target?
    /// The same, making a folder or an empty file when there is nothing.
    mutating func make(_ path: String, directory: Bool, links: RootDirectory.Links) throws(SystemError) -> Target
    mutating func attach(_ mount: Mount, to target: Target) throws(SystemError)
    /// A read-only copy of the container's null device, known to be one.
    mutating func bindNull() throws(SystemError) -> Mount
    mutating func pivot() throws(SystemError)
}
