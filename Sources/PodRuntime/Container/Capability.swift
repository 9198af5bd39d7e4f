/// The kernel's capabilities by name, and the sets that containers get of them.
public enum Capability {
    /// All of Linux 6.1, in the kernel's order: the index is the number.
    public static let names: [String] = [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE",
    ].map { "CAP_" + $0 }

    /// What a container has when its manifest says nothing: the set of Docker and containerd.
    public static let usual: Set<String> = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD", "CAP_NET_RAW", "CAP_SETGID",
        "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL",
        "CAP_AUDIT_WRITE",
    ]

    /// The canonical name of `net_admin`, `NET_ADMIN` or `CAP_NET_ADMIN`; nil for what the kernel does not know.
    public static func canonical(_ name: String) -> String? {
        let upper = name.uppercased()
        let full = upper.hasPrefix("CAP_") ? upper : "CAP_" + upper
        return names.contains(full) ? full : nil
    }

    /// The capabilities of a container, in the kernel's order. `ALL` in a list is counted first, then the single
    /// names are added and then dropped, as containerd does.
    ///
    /// - Parameter available: what the agent itself has; more cannot be given.
    /// - Throws: `ContainerConfigError` for an unknown name and one that is asked for and not available.
    public static func effective(
        add: [String], drop: [String], privileged: Bool, available: [String]
    ) throws(ContainerConfigError) -> [String] {
        let all = Set(available)
        if privileged { return names.filter(all.contains) }
        var set = usual.intersection(all)
        func isAll(_ name: String) -> Bool { name.uppercased() == "ALL" }
        if add.contains(where: isAll) { set = all }
        if drop.contains(where: isAll) { set = [] }
        for name in add where !isAll(name) {
            let full = try known(name)
            guard all.contains(full) else {
                throw ContainerConfigError(
                    .createContainer,
                    "capability \(name) cannot be added: the agent itself does not have it (it is missing from its "
                        + "bounding set)")
            }
            set.insert(full)
        }
        for name in drop where !isAll(name) { set.remove(try known(name)) }
        return names.filter(set.contains)
    }

    private static func known(_ name: String) throws(ContainerConfigError) -> String {
        if let full = canonical(name) { return full }
        throw ContainerConfigError(.createContainer, "unknown capability \"\(name)\"")
    }
}
