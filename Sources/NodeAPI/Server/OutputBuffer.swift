import Base
import CLinux

/// Bytes that wait for the socket to take them.
struct OutputBuffer {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }

    mutating func append(_ new: [UInt8]) {
        if start > 64 << 10, start > bytes.count / 2 {
            bytes.removeFirst(start)
            start = 0
        }
        if bytes.isEmpty { bytes = new } else { bytes.append(contentsOf: new) }
    }

    mutating func discard() {
        bytes = []
        start = 0
    }

    /// Sends what the socket takes; false when the client is gone.
    mutating func flush(to socket: borrowing FileDescriptor) -> Bool {
        while count > 0 {
            let n = bytes.withUnsafeBytes { buffer in
                let part = UnsafeRawBufferPointer(rebasing: buffer[start...])
                return CLinux.send(socket.raw, part.baseAddress, part.count, Int32(MSG_NOSIGNAL))
            }
            if n < 0 {
                let error = Errno.current
                if error == .interrupted { continue }
                return error == .again
            }
            start += n
        }
        discard()
        return true
    }
}
