import Base
import CLinux
import CNITypes

/// The addresses of one network that are given out: a file for each in the network's folder, laid out as the reference
/// plugin does, with which it can be mixed. Locked as long as the value lives.
///
/// A lease is written after its file is made. An empty file is what a crash between the two leaves: it holds nothing,
/// and goes when the leases are next read, or its address is wanted.
///
/// So that not every file has to be read to find those of one attachment, each has a second name, a hard link that says
/// whose it is: `owner-<hash>-<address>`. It is believed as long as both names are of one inode, whoever changes the folder.
/// (The reference plugin, which removes every file that it finds an attachment in, removes both.)
struct LeaseStore: ~Copyable {
    struct Lease: Sendable, Hashable {
        var address: [UInt8]
        var containerID: String
        /// Nil in files of old versions.
        var interfaceName: String?

        /// Whether the attachment holds it.
        func belongs(to containerID: String, _ interfaceName: String) -> Bool {
            self.containerID == containerID && (self.interfaceName ?? interfaceName) == interfaceName
        }
    }

    private let path: String
    private let folder: FileDescriptor
    /// Its lock goes when it is closed.
    private let lock: FileDescriptor

    /// Opens and locks the network's folder.
    ///
    /// - Returns: nil when there is none and it is not to be made.
    /// - Throws: `SystemError`.
    static func open(_ directory: String, network: String, create: Bool) throws(SystemError) -> LeaseStore? {
        let path = Path.join(directory, network)
        if create { try Files.makeDirectories(path) }
        do {
            return try LeaseStore(path)
        } catch {
            if !create, error.errno == .noEntry || error.errno == .notDirectory { return nil }
            throw error
        }
    }

    private init(_ path: String) throws(SystemError) {
        let folder = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        let name = "\(path)/lock"
        let raw = folder.raw
        let lock = FileDescriptor(
            adopting: try retrying("open", name) { swl_openat(raw, "lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0o600) })
        let lockRaw = lock.raw
        try retrying("lock", name) { flock(lockRaw, LOCK_EX) }
        self.path = path
        self.folder = folder
        self.lock = lock
    }

    /// All leases. Files that are not named by an address are none.
    borrowing func leases() throws(SystemError) -> [Lease] {
        let listing = try LeaseListing(folder, path)
        var inodes: Set<UInt64> = []
        var leases: [Lease] = []
        for index in listing.leases.indices {
            guard let lease = try read(listing.leases[index].name) else { continue }
            leases.append(lease)
            inodes.insert(listing.leases[index].inode)
        }
        // What is left when only one of the two names was removed.
        for owner in listing.owners where !inodes.contains(owner.inode) { try remove(owner.name) }
        return leases
    }

    /// The leases of one attachment.
    borrowing func leases(of containerID: String, _ interfaceName: String) throws(SystemError) -> [Lease] {
        let listing = try LeaseListing(folder, path, of: Self.owner(containerID, interfaceName))
        var leases: [Lease] = []
        for entry in listing.leases {
            guard let lease = try read(entry.name), lease.belongs(to: containerID, interfaceName) else { continue }
            leases.append(lease)
        }
        return leases
    }

    /// What the second names of an attachment's leases begin with. Their content counts: two may have the same.
    private static func owner(_ containerID: String, _ interfaceName: String) -> String {
        let digits = String(StableHash.of(Array(containerID.utf8) + [0] + Array(interfaceName.utf8)), radix: 16)
        return LeaseListing.ownerPrefix + String(repeating: "0", count: 16 - digits.utf8.count) + digits + "-"
    }

    /// Writes a lease; false when the address has one.
    borrowing func reserve(_ address: [UInt8], _ containerID: String, _ interfaceName: String) throws(SystemError)
        -> Bool
    {
        let name = IPPrefix.text(address)
        let object = "\(path)/\(name)"
        let raw = folder.raw
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        var made = swl_openat(raw, name, flags, 0o600)
        // Once more where it held nothing.
        if made < 0, Errno.current == .exists, try read(name) == nil { made = swl_openat(raw, name, flags, 0o600) }
        guard made >= 0 else {
            let failure = Errno.current
            if failure == .exists { return false }
            throw SystemError("create", object, failure)
        }
        let file = FileDescriptor(adopting: made)
        do {
            try file.writeAll("\(containerID)\r\n\(interfaceName)".utf8, name: object)
        } catch {
            try remove(name)
            throw error
        }
        let second = Self.owner(containerID, interfaceName) + name
        // One that is there is of a lease that somebody else removed. Without a second name a lease is found, too.
        if linkat(raw, name, raw, second, 0) != 0, Errno.current == .exists {
            try remove(second)
            _ = linkat(raw, name, raw, second, 0)
        }
        return true
    }

    /// Removes a lease.
    borrowing func release(_ lease: Lease) throws(SystemError) {
        let name = IPPrefix.text(lease.address)
        if let interface = lease.interfaceName { try remove(Self.owner(lease.containerID, interface) + name) }
        try remove(name)
    }

    /// The address of a set that was given out last.
    borrowing func lastReserved(_ set: Int) throws(SystemError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: Self.readLimit)
        guard let count = try read("last_reserved_ip.\(set)", into: &buffer) else { return nil }
        return IPPrefix.parse(String(decoding: buffer[..<count].prefix { $0 > 0x20 }, as: UTF8.self))
    }

    borrowing func setLastReserved(_ set: Int, _ address: [UInt8]) throws(SystemError) {
        let name = "last_reserved_ip.\(set)"
        let file = try folder.open(at: name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600)
        try file.writeAll(IPPrefix.text(address).utf8, name: "\(path)/\(name)")
    }

    /// Nil for an empty file, or what a machine that lost its power leaves of one.
    private static func parse(_ content: ArraySlice<UInt8>, _ address: [UInt8]) -> Lease? {
        let text = content.prefix { $0 != 0 }
        let lines = text.split(whereSeparator: { [0x0A, 0x0D, 0x20, 0x09].contains($0) })
        guard let first = lines.first else { return nil }
        return Lease(
            address: address, containerID: String(decoding: first, as: UTF8.self),
            interfaceName: lines.count > 1 ? String(decoding: lines[1], as: UTF8.self) : nil)
    }

    /// The lease of this name; nil for what is none. A file that holds nothing is removed.
    private borrowing func read(_ name: String) throws(SystemError) -> Lease? {
        // A name that is not the address's own text would be found under another one.
        guard let address = IPPrefix.parse(name), IPPrefix.text(address) == name else { return nil }
        var buffer = [UInt8](repeating: 0, count: Self.readLimit)
        guard let count = try read(name, into: &buffer) else { return nil }
        if let lease = Self.parse(buffer[..<count], address) { return lease }
        try remove(name)
        return nil
    }

    /// More bytes than any lease has.
    private static let readLimit = 1024

    /// How many bytes of the file are at the front of `buffer`; nil when it is gone or is no file.
    private borrowing func read(_ name: String, into buffer: inout [UInt8]) throws(SystemError) -> Int? {
        let raw = folder.raw
        // Not blocking: a FIFO there must not hold us.
        let opened = swl_openat(raw, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0)
        guard opened >= 0 else {
            let failure = Errno.current
            if [.noEntry, .loop, Errno(rawValue: ENXIO)].contains(failure) { return nil }
            throw SystemError("open", "\(path)/\(name)", failure)
        }
        let file = FileDescriptor(adopting: opened)
        do {
            return try file.read(into: &buffer) ?? 0
        } catch {
            if error.errno == .isDirectory { return nil }
            throw error
        }
    }

    private borrowing func remove(_ name: String) throws(SystemError) {
        guard unlinkat(folder.raw, name, 0) != 0 else { return }
        let failure = Errno.current
        if failure != .noEntry { throw SystemError("remove", "\(path)/\(name)", failure) }
    }
}
