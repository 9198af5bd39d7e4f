import CLinux
import JSON

/// The child's end of the status pipe. Closed by the execution.
struct StatusPipe {
    let raw: Int32

    func report(_ user: ResolvedUser, notes: [String]) {
        var object = JSONObject()
        object.append("user", user.json)
        if !notes.isEmpty { object.append("notes", .strings(notes)) }
        send(.object(object))
    }

    func report(_ error: ContainerError) { send(["error": error.json]) }

    private func send(_ value: JSONValue) {
        var bytes = JSONWriter().bytes(value)
        bytes.append(0x0A)
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { write(raw, $0.baseAddress?.advanced(by: offset), $0.count - offset) }
            // Nobody listens any more, or the container's filter forbids it: the exit status must do.
            if count <= 0 { return }
            offset += count
        }
    }
}
