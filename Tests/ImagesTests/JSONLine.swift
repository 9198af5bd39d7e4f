import JSON

@testable import Images

/// A worker's message as its line.
enum JSONLine {
    static func bytes(_ message: ImageWorkerMessage) -> [UInt8] { JSONWriter().bytes(message.json) }
}
