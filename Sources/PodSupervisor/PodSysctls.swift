import Base
import CLinux
import Linux
import PodProtocol

/// Sets the kernel parameters of the pod's namespaces.
enum PodSysctls {
    /// The kernel shows to each process the parameters of the namespaces that the process is in: to be called in the
    /// pod's, and only for what is the pod's own.
    ///
    /// - Throws: `SystemError` naming the parameter.
    static func set(_ configuration: PodConfiguration) throws(SystemError) {
        if configuration.sysctls.isEmpty { return }
        // One of our own: nothing may be mounted over it.
        let proc = try ProcessFilesystem(processesOnly: false)
        for (path, value) in configuration.sysctls.sorted(by: { $0.key < $1.key }) {
            guard isOwn(path, configuration) else {
                throw SystemError("set (it is none of the pod's own namespaces)", "/proc/sys/\(path)", .notPermitted)
            }
            // Writing nothing at all sets nothing: the kernel is to say what it makes of an empty value.
            try proc.write("sys/" + path, value.isEmpty ? "\n" : value)
        }
    }

    static func isOwn(_ path: String, _ configuration: PodConfiguration) -> Bool {
        guard !Path.components(path).contains("..") else { return false }
        if path.hasPrefix("net/") { return configuration.network != .host }
        let isOfMessages = path == "kernel/sem" || path.hasPrefix("kernel/shm") || path.hasPrefix("kernel/msg")
        return (isOfMessages || path.hasPrefix("fs/mqueue/")) && configuration.ipc != .host
    }
}
