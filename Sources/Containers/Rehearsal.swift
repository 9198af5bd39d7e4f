import Base
import CLinux
import JSON
import Linux
import OCI

/// Does once, in the launching process, what every child does: the Swift runtime builds types' metadata and looks up
/// conformances on first use, and each child, a copy of its parent, would start without them (0.6 ms a container).
/// Works on a detached tmpfs of its own; what fails here fails, with its message, in the child.
enum Rehearsal {
    static let once: Void = {
        let database = UserDatabase(passwd: Array("a:x:1:1::/:\n".utf8), group: Array("a:x:1:a\nb:x:2:a\n".utf8))
        if let user = try? database.resolve(UserRequest(name: "a:a", additionalGids: [3])) {
            StatusPipe(raw: -1).report(user, notes: ["note"])
        }
        _ = try? database.resolve(UserRequest(uid: 1, gid: 1))
        _ = try? CredentialPlan(RuntimeCapabilities(["CAP_KILL"]), available: .all)
        _ = try? ProcessCapabilities.permitted()
        _ = CapabilitySet.all.subtracting(CapabilitySet([.sysAdmin])).members.map(\.rawValue)
        _ = try? ExecutablePath.find("a", environment: ["HOME=/", "PATH=/nonexistent"])
        _ = try? ProcessFilesystem().open("self/oom_score_adj", O_RDONLY)
        withCStrings(["a"]) { _ in }

        var interpreter = SetupInterpreter(LinuxKernel())
        try? interpreter.run([
            .filesystem(
                .mount(0), type: "tmpfs", source: "tmpfs", options: [FilesystemOption("mode", "755")],
                attributes: .noSetUserID),
            .change(.mount(0), set: .noExecute, clear: [], propagation: nil, recursive: false),
            .node(.mount(0), RuntimeDevice(path: "/a/fifo", kind: .fifo, major: 0, minor: 0)),
            .link(.mount(0), path: "/b", target: "a"),
        ])
        if let tree = try? MountTree.filesystem("tmpfs", source: "tmpfs") {
            let root = RootDirectory(tree.descriptor, name: "rehearsal")
            _ = try? root.makeDirectories("/a/b", owner: (uid: 0, gid: 0))
            _ = try? root.makeFile("/c/d")
            _ = try? root.readFile("/c/d", limit: 10)
            _ = try? root.readFile("/none", limit: 10)
        }
    }()
}
