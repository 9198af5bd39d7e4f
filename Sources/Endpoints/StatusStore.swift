import Base
import CLinux

/// The queue on disk: a file for each status, named by what the queue has to know of it. Every call blocks.
struct StatusStore: Sendable {
    /// A change of the folder.
    enum Change: Sendable {
        case write(StatusQueue.Entry, [UInt8])
        case remove(StatusQueue.Entry)
    }

    let folder: String

    /// `00000000000000000012.<uid>.<pod>.final`
    private func path(_ entry: StatusQueue.Entry) -> String {
        let number = String(entry.sequence)
        let padded = String(repeating: "0", count: max(0, 20 - number.count)) + number
        return "\(folder)/\(padded).\(entry.uid).\(String(entry.pod, radix: 16)).\(entry.isFinal ? "final" : "status")"
    }

    /// What an earlier agent left, in the order of sending. A file that is none of ours is left alone.
    func load() throws(SystemError) -> [StatusQueue.Entry] {
        try Files.makeDirectories(folder, mode: 0o700)
        var entries: [StatusQueue.Entry] = []
        for name in try Files.list(folder) {
            let parts = name.split(separator: ".", omittingEmptySubsequences: false)
            guard parts.count == 4, let sequence = UInt64(parts[0]), sequence < 1 << 62, !parts[1].isEmpty,
                let pod = UInt64(parts[2], radix: 16), parts[3] == "final" || parts[3] == "status"
            else { continue }
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0 else { continue }
            entries.append(
                StatusQueue.Entry(
                    sequence: sequence, uid: String(parts[1]), pod: pod, isFinal: parts[3] == "final",
                    bytes: Int(status.st_size)))
        }
        return entries
    }

    /// Carries the changes out in their order.
    ///
    /// A final status is on the disk afterwards; others are safe from the end of the agent, and would be written anew
    /// after a power cut, since the pods begin anew then.
    ///
    /// - Returns: what went wrong, by sequence.
    func perform(_ changes: [Change]) -> [UInt64: SystemError] {
        var failures: [UInt64: SystemError] = [:]
        for change in changes {
            switch change {
            case .write(let entry, let bytes):
                do throws(SystemError) { try write(path(entry), bytes, durable: entry.isFinal) } catch {
                    failures[entry.sequence] = error
                }
            case .remove(let entry):
                do throws(SystemError) { try Files.remove(path(entry)) } catch {
                    failures[entry.sequence] = error
                }
            }
        }
        return failures
    }

    private func write(_ path: String, _ bytes: [UInt8], durable: Bool) throws(SystemError) {
        if durable { return try Files.createDurably(path, with: bytes) }
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        do throws(SystemError) { try file.writeAll(bytes, name: path) } catch {
            _ = unlink(path)
            throw error
        }
    }

    /// A status; nil when the file is gone or was cut off when it was written.
    func read(_ entry: StatusQueue.Entry) -> [UInt8]? {
        guard let bytes = try? Files.read(path(entry)), bytes.first == UInt8(ascii: "{"), bytes.last == 0x0A else {
            return nil
        }
        return bytes
    }
}
