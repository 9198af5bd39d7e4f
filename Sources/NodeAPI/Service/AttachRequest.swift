/// To see what a running container writes from now on, and to write to its standard input.
public struct AttachRequest: Sendable, Hashable {
    public var namespace: String
    public var pod: String
    /// Nil for the pod's only container (or its `kubectl.kubernetes.io/default-container`).
    public var container: String?
    public var stdin: Bool
    /// The client's window, for a container with a terminal; 0 when it is not known.
    public var rows: UInt16
    public var columns: UInt16

    public init(
        namespace: String, pod: String, container: String?, stdin: Bool, rows: UInt16 = 0, columns: UInt16 = 0
    ) {
        self.namespace = namespace
        self.pod = pod
        self.container = container
        self.stdin = stdin
        self.rows = rows
        self.columns = columns
    }
}
