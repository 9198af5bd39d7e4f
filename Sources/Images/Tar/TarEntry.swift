/// One member of a tar stream as its headers describe it. Nothing in it has been judged yet: the path may be anything.
struct TarEntry {
    enum Kind {
        case file
        case hardLink
        case symbolicLink
        case directory
        case fifo
        case characterDevice
        case blockDevice
    }

    /// Part of a sparse file that has content.
    struct Extent: Hashable {
        var offset: Int64
        var length: Int64
    }

    var path: [UInt8] = []
    /// Target of a hard or symbolic link.
    var link: [UInt8] = []
    var kind = Kind.file
    /// Permission and set-id bits only.
    var mode: UInt32 = 0
    var uid: UInt32 = 0
    var gid: UInt32 = 0
    /// Seconds since 1970, may be negative, and the nanoseconds after them.
    var modified: (seconds: Int64, nanoseconds: Int) = (0, 0)
    /// Of a device.
    var device: (major: UInt32, minor: UInt32) = (0, 0)
    /// Bytes that follow in the stream.
    var storedSize: Int64 = 0
    /// Bytes of the file.
    var size: Int64 = 0
    var xattrs: [(name: [UInt8], value: [UInt8])] = []
    /// Nil when the file is stored whole.
    var extents: [Extent]?
}
