import Base
import CLinux

/// The names in the folder of a network's leases. With a thousand of them the work for each counts.
struct LeaseListing {
    struct Entry {
        var name: String
        var inode: UInt64
    }

    /// What second names of leases begin with.
    static let ownerPrefix = "owner-"

    /// Names that may be leases': of one attachment, if one is asked for, those that are its or have no second name.
    private(set) var leases: [Entry] = []
    /// The second names, of all attachments; none when one is asked for.
    private(set) var owners: [Entry] = []

    /// - Parameter owner: what the second names of an attachment's leases begin with; nil for all.
    init(_ folder: borrowing FileDescriptor, _ path: String, of owner: String? = nil) throws(SystemError) {
        let copy = try folder.open(at: ".", O_RDONLY | O_DIRECTORY)
        let raw = copy.release()
        guard let stream = fdopendir(raw) else {
            let failure = Errno.current
            _ = close(raw)
            throw SystemError("read the folder", path, failure)
        }
        defer { closedir(stream) }
        let wanted = owner.map { Array($0.utf8) }
        // The names one behind the other, each with its zero.
        var names: [CChar] = []
        var candidates: [(start: Int, inode: UInt64)] = []
        /// By inode, whether it is of the attachment that is asked for.
        var known: [UInt64: Bool] = [:]
        while let entry = readdir(stream) {
            let inode = UInt64(entry.pointee.d_ino)
            withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                // The lock, what was given out last, and the folder itself.
                guard let first = bytes.first, first != UInt8(ascii: "l"), first != UInt8(ascii: ".") else { return }
                let name = UnsafeRawBufferPointer(rebasing: bytes.prefix { $0 != 0 })
                guard first == UInt8(ascii: "o"), name.starts(with: Self.ownerPrefix.utf8) else {
                    candidates.append((names.count, inode))
                    names.append(contentsOf: name.lazy.map { CChar(bitPattern: $0) })
                    return names.append(0)
                }
                guard let wanted else {
                    return owners.append(Entry(name: String(decoding: name, as: UTF8.self), inode: inode))
                }
                known[inode] = known[inode] ?? false || name.starts(with: wanted)
            }
        }
        for candidate in candidates where known[candidate.inode] != false {
            let name = names[candidate.start...].withUnsafeBufferPointer { buffer in
                buffer.baseAddress.map { String(cString: $0) } ?? ""
            }
            leases.append(Entry(name: name, inode: candidate.inode))
        }
    }
}
