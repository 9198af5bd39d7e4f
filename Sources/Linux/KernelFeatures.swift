import Base
import CLinux

/// What the running kernel can do, tried once.
public struct KernelFeatures: Sendable, Hashable {
    /// `6.12.1`.
    public var release: String
    /// openat2, detached mounts and their attributes: without them nothing runs.
    public var hasMountDescriptors: Bool
    /// overlayfs can be mounted.
    public var hasOverlay: Bool
    /// overlayfs takes its layers one by one (6.5).
    public var hasOverlayLayerList: Bool
    /// seccomp filters.
    public var hasSeccomp: Bool
    /// Programs on cgroups' device accesses.
    public var hasDevicePrograms: Bool

    /// What is missing that every pod needs, each with what to do.
    public var complaints: [String] {
        var list: [String] = []
        if !hasMountDescriptors {
            list.append("kernel \(release) lacks open_tree, move_mount or mount_setattr: boot Linux 6.1 or newer")
        }
        if !hasOverlay { list.append("overlayfs cannot be mounted: load the kernel module overlay (modprobe overlay)") }
        if !hasSeccomp { list.append("the kernel has no seccomp filters: boot a kernel with CONFIG_SECCOMP_FILTER") }
        if !hasDevicePrograms {
            list.append(
                "device programs cannot be loaded: boot a kernel with CONFIG_CGROUP_BPF, and give CAP_BPF or CAP_SYS_ADMIN"
            )
        }
        return list
    }

    /// Tries each; changes nothing. Needs root.
    public static func probe() -> KernelFeatures {
        var names = utsname()
        _ = uname(&names)
        let release = withUnsafeBytes(of: names.release) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let mounts: Bool = {
            guard let tree = try? MountTree.filesystem("tmpfs", source: "tmpfs"),
                (try? tree.change(set: .readOnly)) != nil,
                (try? RootDirectory(tree.descriptor, name: "tmpfs").open("/", O_PATH)) != nil
            else { return false }
            return true
        }()
        let overlay = swl_fsopen("overlay", 0)
        let hasOverlay = overlay >= 0
        var hasList = false
        if hasOverlay {
            for folder in ["/etc", "/usr"] {
                _ = swl_fsconfig(overlay, UInt32(FSCONFIG_SET_STRING.rawValue), "lowerdir+", folder, 0)
            }
            // Older kernels look at the parameters only now.
            hasList = swl_fsconfig(overlay, UInt32(FSCONFIG_CMD_CREATE.rawValue), nil, nil, 0) == 0
            _ = CLinux.close(overlay)
        }
        var allow = UInt32(SECCOMP_RET_ALLOW)
        let seccomp = swl_seccomp_available(&allow) == 0
        var program = [bpf_insn(), bpf_insn()]
        program[0].code = UInt8(BPF_ALU64 | BPF_MOV | BPF_K)
        program[1].code = UInt8(BPF_JMP | BPF_EXIT)
        let device = swl_bpf_load_device(program, 2, nil, 0)
        if device >= 0 { _ = CLinux.close(device) }
        return KernelFeatures(
            release: release, hasMountDescriptors: mounts, hasOverlay: hasOverlay, hasOverlayLayerList: hasList,
            hasSeccomp: seccomp, hasDevicePrograms: device >= 0)
    }
}
