import Base
import Kube

/// Computes the status that the API shows of a pod.
@LoopActor
public protocol PodStatusSource: AnyObject {
    var nodeName: String { get }

    /// The status now. Called after every change of the worker, so that transition times are those of the changes.
    func status(of worker: PodWorker) -> PodStatus

    /// The instance is gone.
    func forget(_ uid: String)
}
