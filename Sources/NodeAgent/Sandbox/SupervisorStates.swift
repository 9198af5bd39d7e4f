import Base
import PodProtocol

extension ContainerRecord.Termination {
    /// How an attempt ended, as its supervisor says; nil when it has not.
    init?(_ state: PodProtocol.ContainerState) {
        switch state.phase {
        case .starting, .running: return nil
        case .exited(let exit):
            self.init(
                exitCode: exit.code, signal: exit.signal,
                reason: exit.oomKilled ? "OOMKilled" : exit.code == 0 ? "Completed" : "Error",
                startedAt: state.startedAt, finishedAt: exit.finishedAt, containerID: state.id)
        case .failed(let failure, let time):
            self.init(
                exitCode: 128, reason: "StartError", message: failure.message, finishedAt: time,
                containerID: state.id)
        }
    }
}

extension AdoptedContainer {
    init(_ state: PodProtocol.ContainerState, end: ContainerRecord.Termination?) {
        if let end {
            self.init(name: state.container, attempt: Int(state.attempt), state: .ended(end))
        } else {
            self.init(
                name: state.container, attempt: Int(state.attempt),
                state: .running(
                    StartedContainer(
                        containerID: state.id, imageID: "", startedAt: state.startedAt ?? .now,
                        user: state.user.map { .init(uid: $0.uid, gid: $0.gid, groups: $0.groups) })))
        }
    }
}
