import Base
import CLinux

/// Finds the program of a process inside the container, as the process's user.
enum ExecutablePath {
    /// What a process without PATH gets.
    static let fallback = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// The path to execute. A name with a slash is taken as it is; others are looked for in $PATH.
    ///
    /// - Throws: `ContainerError` of kind `notFound` or `permissionDenied`.
    static func find(_ name: String, environment: [String]) throws(ContainerError) -> String {
        guard !name.isEmpty else {
            throw ContainerError(.notFound, "exec", name, .noEntry, hint: "no command is given")
        }
        if name.utf8.contains(UInt8(ascii: "/")) { return name }
        let path = environment.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) } ?? fallback
        var denied = false
        // An empty or relative entry would mean the working folder: never searched.
        for folder in path.split(separator: ":") where folder.hasPrefix("/") {
            let candidate = Path.join(String(folder), name)
            var status = stat()
            guard fstatat(AT_FDCWD, candidate, &status, 0) == 0, swl_is_regular(status.st_mode) else { continue }
            if faccessat(AT_FDCWD, candidate, X_OK, AT_EACCESS) == 0 { return candidate }
            denied = true
        }
        if denied { throw ContainerError(.permissionDenied, "exec", name, .accessDenied) }
        throw ContainerError(.notFound, "exec", name, .noEntry, hint: ContainerError.inPath)
    }

    /// What a failed execve says.
    static func explain(_ error: Errno, _ path: String) -> ContainerError {
        switch error {
        case .noEntry, .notDirectory:
            let exists = faccessat(AT_FDCWD, path, F_OK, 0) == 0
            return ContainerError(
                .notFound, "exec", path, error,
                hint: exists ? "the file exists: its interpreter or dynamic loader is missing in the image" : "")
        case .accessDenied, .notPermitted:
            return ContainerError(.permissionDenied, "exec", path, error)
        case .notExecutable:
            return ContainerError(
                .notExecutable, "exec", path, error,
                hint: "a script without #! line, or a program for another kind of machine")
        case .tooBig:
            return ContainerError(.setup, "execute", path, error, hint: "arguments and environment are too long")
        default: return ContainerError(.setup, "execute", path, error)
        }
    }
}
