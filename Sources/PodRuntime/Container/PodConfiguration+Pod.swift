import Kube
import PodProtocol

extension PodConfiguration {
    /// What the supervisor of a pod is started with.
    ///
    /// - Parameter runFolder: the pod's folder in /run.
    public init(_ context: PodContext, runFolder: String) {
        let spec = context.pod.spec
        self.init(
            uid: context.pod.metadata.uid, name: context.pod.fullName,
            hostname: spec.hostNetwork ? nil : context.hostname, network: spec.hostNetwork ? .host : .own,
            ipc: spec.hostIPC ? .host : .own, uts: spec.hostNetwork ? .host : .own,
            // In the host's pid namespace there is nothing to share.
            sharesProcessNamespace: spec.shareProcessNamespace && !spec.hostPID, runFolder: runFolder)
    }
}
