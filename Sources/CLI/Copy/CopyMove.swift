import Base
import CLinux

/// Brings what was unpacked in a folder of its own to where it is wanted: only files and folders.
struct CopyMove {
    /// Told what is passed over.
    let warn: (String) -> Void

    /// Moves `source` to `goal`; a folder is merged into one that is there.
    ///
    /// - Throws: `CLIError` when something stands in the way.
    func merge(_ source: String, into goal: String) throws(CLIError) {
        var found = stat()
        guard lstat(source, &found) == 0 else { throw .failed("the container's tar sent no \(name(source))") }
        if swl_is_regular(found.st_mode) {
            // Another name of a file is a file that this copy need not have made.
            guard found.st_nlink == 1 else { return warn("\(goal) is a hard link: passed over") }
            // What runs as its owner, here root, is not a container's to say.
            guard chmod(source, found.st_mode & 0o777) == 0 else { throw failed(goal) }
            guard !Files.isDirectory(goal) else { throw .failed("cannot replace the folder \(goal) by a file") }
            guard CLinux.rename(source, goal) == 0 else { throw failed(goal) }
        } else if swl_is_dir(found.st_mode) {
            if mkdir(goal, found.st_mode & 0o777) != 0 {
                let error = Errno.current
                guard error == .exists, Files.isDirectory(goal) else { throw failed(goal) }
            } else {
                _ = chmod(goal, found.st_mode & 0o777)
            }
            // What it holds must be reachable to be moved.
            _ = chmod(source, 0o700)
            let names: [String]
            do throws(SystemError) { names = try Files.list(source) } catch {
                throw .failed("cannot read \(source): \(error.errno)")
            }
            for name in names.sorted() { try merge(Path.join(source, name), into: Path.join(goal, name)) }
        } else {
            warn("\(goal) is neither a file nor a folder: passed over")
        }
    }

    private func name(_ path: String) -> String { CopyPlace.parts(path).name }

    private func failed(_ goal: String) -> CLIError { .failed("cannot write \(goal): \(Errno.current)") }
}
