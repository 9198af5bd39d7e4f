import Base
import CLinux
import Kube

/// A hostPath volume: what must be, or is made, at a path of the host.
struct HostPath {
    var source: HostPathVolumeSource

    private enum Found { case nothing, directory, file, socket, characterDevice, blockDevice, other }

    /// Checks the path by its type, making it where the type says so; links are followed, as the kubelet does.
    ///
    /// - Throws: `VolumeError` without a volume's name, in the kubelet's words.
    func prepare() throws(VolumeError) {
        let path = source.path
        guard path.hasPrefix("/"), !Path.components(path).contains("..") else {
            throw VolumeError("hostPath \(path) is not an absolute path without \"..\"")
        }
        var found = try look(path)
        do {
            switch (source.type, found) {
            // Nothing is checked; container runtimes make the folder that is missing.
            case (.unset, .nothing), (.directoryOrCreate, .nothing):
                try Files.makeDirectories(path, mode: 0o755)
                found = .directory
            case (.fileOrCreate, .nothing):
                _ = try FileDescriptor.open(path, O_WRONLY | O_CREAT, mode: 0o644).raw
                found = .file
            default: break
            }
        } catch {
            throw VolumeError(error)
        }
        let (fits, what) =
            switch source.type {
            case .unset: (true, "")
            case .directory, .directoryOrCreate: (found == .directory, "a directory")
            case .file, .fileOrCreate: (found == .file, "a file")
            case .socket: (found == .socket, "a socket file")
            case .charDevice: (found == .characterDevice, "a character device")
            case .blockDevice: (found == .blockDevice, "a block device")
            }
        if !fits { throw VolumeError("hostPath type check failed: \(path) is not \(what)") }
    }

    private func look(_ path: String) throws(VolumeError) -> Found {
        var status = stat()
        if fstatat(AT_FDCWD, path, &status, 0) != 0 {
            let error = Errno.current
            if error == .noEntry || error == .notDirectory { return .nothing }
            throw VolumeError(SystemError("stat", path, error))
        }
        let mode = status.st_mode
        if swl_is_dir(mode) { return .directory }
        if swl_is_regular(mode) { return .file }
        if swl_is_socket(mode) { return .socket }
        if swl_is_char(mode) { return .characterDevice }
        if swl_is_block(mode) { return .blockDevice }
        return .other
    }
}
