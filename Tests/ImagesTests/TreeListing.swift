import Base
import CLinux
import Digest

@testable import Images

/// All that there is to know of a tree, a line an entry: kind, mode, owner, device, time, attributes, target, content,
/// and what it is a hard link to.
struct TreeListing {
    private(set) var lines: [String] = []
    private var seen: [ino_t: String] = [:]

    init(_ root: String) throws { try add(root, ".") }

    private mutating func add(_ path: String, _ name: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw SystemError("lstat", path) }
        var line = "\(escaped(name.utf8)) \(String(status.st_mode, radix: 8)) \(status.st_uid):\(status.st_gid)"
        line += " \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
        if swl_is_char(status.st_mode) || swl_is_block(status.st_mode) { line += " device \(status.st_rdev)" }
        if !swl_is_dir(status.st_mode) {
            if let first = seen[status.st_ino] {
                lines.append("\(escaped(name.utf8)) is \(first)")
                return
            }
            seen[status.st_ino] = escaped(name.utf8)
        }
        if swl_is_symlink(status.st_mode) {
            var target = [UInt8](repeating: 0, count: 4096)
            let count = readlink(path, &target, target.count)
            line += " -> \(escaped(target.prefix(max(0, count))))"
        }
        if swl_is_regular(status.st_mode) {
            line += " \(status.st_size) " + (try StreamHasher.hex(.sha256, Files.read(path, limit: 64 << 20)))
        }
        var list = [UInt8](repeating: 0, count: 65536)
        let count = llistxattr(path, &list, list.count)
        for attribute in list.prefix(max(0, count)).split(separator: 0).map({ String(decoding: $0, as: UTF8.self) })
            .sorted()
        {
            var value = [UInt8](repeating: 0, count: 65536)
            line += " \(attribute)=\(value.prefix(max(0, lgetxattr(path, attribute, &value, value.count))))"
        }
        lines.append(line)
        guard swl_is_dir(status.st_mode) else { return }
        for child in try Files.list(path).sorted() { try add("\(path)/\(child)", "\(name)/\(child)") }
    }

    /// Mounts layers, the topmost first, in a mount namespace of this process, and gives the lines that differ from
    /// those in a file.
    static func differences(_ lower: String, _ target: String, _ file: String) throws -> [String] {
        guard swl_unshare(CLONE_NEWNS) == 0 else { throw SystemError("unshare", "mount namespace") }
        try retrying("mount", "/ private") { mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) }
        try retrying("mount", lower) { mount("overlay", target, "overlay", UInt(MS_RDONLY), "lowerdir=\(lower)") }
        let found = try TreeListing(target).lines
        let wanted = try Files.readText(file).split(separator: "\n").map(String.init)
        return found.filter { !wanted.contains($0) }.map { "found    \($0)" }
            + wanted.filter { !found.contains($0) }.map { "expected \($0)" }
    }
}
