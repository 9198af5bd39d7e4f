/// The profile of containers that name none.
enum DefaultAppArmorProfile {
    static let name = "swiftlet-default"

    /// What a container of a node has no business with even when its capabilities would let it: changes of the kernel's
    /// settings, mounts, and the processes of others. Files are the container's own affair: modes, owners and the
    /// mounts decide about them.
    ///
    /// A path of procfs or sysfs cannot be reached by another name, since nothing can be mounted. Below /proc what
    /// begins with a digit is a process. AppArmor knows no exception to a denial: that below /sys only /sys/fs/cgroup
    /// may be written is said by what each of the first letters is not.
    static let text = """
        # Written by swiftletd, which writes it anew. Containers that name no AppArmor profile are under this one.
        profile \(name) flags=(attach_disconnected, mediate_deleted) {
          file,
          network,
          capability,
          umount,
          deny mount,
          deny pivot_root,

          signal (receive) peer=unconfined,
          signal (send, receive) peer=\(name),
          ptrace (trace, read, tracedby, readby) peer=\(name),

          deny /proc/* w,
          deny /proc/[^1-9]*/** w,
          deny /proc/{kcore,kmem,mem,sysrq-trigger} rwklx,

          deny /sys/[^f]** wkl,
          deny /sys/f[^s]** wkl,
          deny /sys/fs/[^c]** wkl,
          deny /sys/fs/c[^g]** wkl,
          deny /sys/{firmware,kernel/security,devices/virtual/powercap}/** rwklx,
        }

        """
}
