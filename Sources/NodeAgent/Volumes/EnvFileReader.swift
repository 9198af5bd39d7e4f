import Base
import CLinux
import Kube
import PodRuntime

/// Reads the files that a container's variables come from. Other containers of the pod write them, and may put in their
/// place whatever they like: nothing outside the volume is ever opened, and no link of procfs followed.
struct EnvFileReader {
    /// Where each volume lies, by its name.
    var volumes: [String: String]

    /// Whether a container has such variables.
    static func isNeeded(by container: Container) -> Bool {
        container.env.contains { $0.valueFrom?.fileKeyRef != nil }
    }

    /// Blocks.
    func files(of container: Container) -> EnvFiles {
        var found: [EnvFiles.Place: EnvFiles.Found] = [:]
        for selector in container.env.compactMap({ $0.valueFrom?.fileKeyRef }) {
            let place = EnvFiles.Place(volume: selector.volumeName, path: selector.path)
            if found[place] != nil { continue }
            found[place] = read(place)
        }
        return EnvFiles(found)
    }

    private func read(_ place: EnvFiles.Place) -> EnvFiles.Found {
        guard let volume = volumes[place.volume] else { return .unusable("there is no volume \(place.volume)") }
        do throws(SystemError) {
            let root = try FileDescriptor.open(volume, O_PATH | O_DIRECTORY)
            let resolve = UInt64(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS)
            let fd = swl_openat2(root.raw, place.path, UInt64(O_RDONLY | O_NONBLOCK | O_NOCTTY), 0, resolve)
            if fd < 0 {
                let error = Errno.current
                if error == .noEntry || error == .notDirectory { return .nothing }
                throw SystemError("open", place.path, error)
            }
            let file = FileDescriptor(adopting: fd)
            let status = try file.status(name: place.path)
            guard swl_is_regular(status.st_mode) else { return .unusable("it is not a regular file") }
            guard status.st_size <= EnvFile.limit else {
                return .unusable("it is larger than \(EnvFile.limit) bytes")
            }
            let bytes = try file.readAll(limit: EnvFile.limit, name: place.path)
            do throws(EnvFile.Mistake) { return .file(try EnvFile(parsing: bytes)) } catch {
                return .unusable("\(error)")
            }
        } catch {
            return .unusable("\(error)")
        }
    }
}
