/// What may be asked of the containers of a pod that stays.
public enum PodAction: String, Sendable, CaseIterable {
    case stop
    case start
    case restart
}
