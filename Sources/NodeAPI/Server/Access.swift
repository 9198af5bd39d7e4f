import HTTP

/// What a client may do.
enum Access {
    case nothing
    /// Look: pods, events, logs, images, the node's state and figures. Environment variables of pods are among them.
    case view
    case everything

    /// Whether a request is within it.
    func permits(_ head: HTTPRequestHead, _ target: RequestTarget) -> Bool {
        switch self {
        case .nothing: false
        case .everything: true
        case .view: (head.method == "GET" || head.method == "HEAD") && Self.isOnlyLooking(target.path)
        }
    }

    /// A list of what is allowed: what is new is not, until it stands here.
    private static func isOnlyLooking(_ path: [String]) -> Bool {
        switch path.first {
        case "configz", "healthz", "pods", "containerLogs", "metrics", "stats": true
        case "swiftlet":
            path.count >= 3 && path[1] == "v1"
                && ["pods", "problems", "events", "images", "status", "version", "config"].contains(path[2])
                && (path.count == 3 || path[2] == "pods" || path[2] == "images" && isImageView(path))
        default: false
        }
    }

    private static func isImageView(_ path: [String]) -> Bool {
        path.count == 4 && ["inspect", "usage", "history"].contains(path[3])
    }
}
