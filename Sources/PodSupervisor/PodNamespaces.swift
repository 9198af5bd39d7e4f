import Base
import CLinux
import PodProtocol

/// Brings this process into the namespaces of its pod, in which it stays.
enum PodNamespaces {
    /// - Throws: `SystemError` naming the step and the namespace.
    static func enter(_ configuration: PodConfiguration) throws(SystemError) {
        let wanted: [(PodConfiguration.Namespace, Int32, String)] = [
            (configuration.network, CLONE_NEWNET, "network namespace"),
            (configuration.ipc, CLONE_NEWIPC, "ipc namespace"), (configuration.uts, CLONE_NEWUTS, "uts namespace"),
        ]
        var flags: Int32 = 0
        for (namespace, flag, name) in wanted {
            switch namespace {
            case .host: break
            case .own: flags |= flag
            case .path(let path):
                let file = try FileDescriptor.open(path, O_RDONLY)
                let raw = file.raw
                try retrying("enter the \(name)", path) { swl_setns(raw, flag) }
            }
        }
        if flags != 0 {
            try retrying("unshare", "the namespaces of pod \(configuration.name)") { swl_unshare(flags) }
        }
        if configuration.network == .own {
            try retrying("set up", "interface lo of pod \(configuration.name)") { swl_interface_up("lo") }
        }
        if let hostname = configuration.hostname, configuration.uts != .host {
            try retrying("sethostname", hostname) { swl_set_hostname(hostname, hostname.utf8.count) }
        }
        try PodSysctls.set(configuration)
    }
}
