import Kube
import OCI

/// What every container has mounted beside its volumes, and which paths of it are hidden or read-only.
enum DefaultMounts {
    /// Paths of /proc and /sys that show or set what is the host's: hidden unless the container is privileged.
    static let maskedPaths = [
        "/proc/asound", "/proc/acpi", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
        "/sys/devices/virtual/powercap",
    ]
    /// Paths that can be read but not written unless the container is privileged.
    static let readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]

    /// The kernel's file systems and the pod's own files, in containerd's order and with its options.
    static func mounts(_ context: PodContext, _ container: Container) -> [RuntimeMount] {
        let privileged = container.securityContext?.privileged ?? false
        let access = privileged ? "rw" : "ro"
        // As the runtime mounts them: read-only where the root file system is.
        let file = ["rbind", "rprivate", container.securityContext?.readOnlyRootFilesystem == true ? "ro" : "rw"]
        let directory = context.directory
        let shm = context.pod.spec.hostIPC ? "/dev/shm" : directory.sharedMemory
        return [
            RuntimeMount(
                destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"]),
            RuntimeMount(
                destination: "/dev", type: "tmpfs", source: "tmpfs",
                options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            RuntimeMount(
                destination: "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            RuntimeMount(
                destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]),
            RuntimeMount(
                destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", access]),
            RuntimeMount(
                destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup",
                options: ["nosuid", "noexec", "nodev", "relatime", access]),
            RuntimeMount(
                destination: "/etc/hosts", type: "bind", source: directory.etcHosts,
                options: ["rbind", "rprivate", "rw"]),
            RuntimeMount(destination: "/etc/hostname", type: "bind", source: directory.hostname, options: file),
            RuntimeMount(destination: "/etc/resolv.conf", type: "bind", source: directory.resolvConf, options: file),
            RuntimeMount(destination: "/dev/shm", type: "bind", source: shm, options: ["rbind", "rprivate", "rw"]),
        ]
    }

    /// The defaults that the container's own mounts leave: one at the same path goes before, and one at /dev before
    /// everything in it.
    static func without(_ destinations: Set<String>, _ mounts: [RuntimeMount]) -> [RuntimeMount] {
        mounts.filter { mount in
            !destinations.contains(mount.destination)
                && !(destinations.contains("/dev") && mount.destination.hasPrefix("/dev/"))
        }
    }
}
