import Kube
import PodProtocol

extension PodConfiguration {
    /// What the supervisor of a pod is started with.
    ///
    /// - Parameters:
    ///   - runFolder: the pod's folder in /run.
    ///   - networkNamespace: where the pod's is mounted; not looked at for a pod on the host's network.
    public init(_ context: PodContext, runFolder: String, networkNamespace: String) {
        let spec = context.pod.spec
        self.init(
            uid: context.pod.metadata.uid, name: context.pod.fullName,
            hostname: spec.hostNetwork ? nil : context.hostname,
            network: spec.hostNetwork ? .host : .path(networkNamespace),
            ipc: spec.hostIPC ? .host : .own, uts: spec.hostNetwork ? .host : .own,
            // In the host's pid namespace there is nothing to share.
            sharesProcessNamespace: spec.shareProcessNamespace && !spec.hostPID, runFolder: runFolder)
        sysctls = Dictionary(spec.securityContext.sysctls.map { ($0.path, $0.value) }) { $1 }
    }
}
