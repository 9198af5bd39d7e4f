/// A text that names a fault where it stands. Patterns are compared without regard to capitals; `*` in one stands for
/// anything.
struct Clue: Sendable {
    var fault: String
    var patterns: [String]

    init(_ fault: String, _ patterns: String...) {
        self.fault = fault
        self.patterns = patterns
    }

    func fits(_ text: String) -> Bool {
        let text = text.lowercased()
        return patterns.contains { Self.fits(text, $0) }
    }

    private static func fits(_ text: String, _ pattern: String) -> Bool {
        var rest = text[...]
        for part in pattern.lowercased().split(separator: "*") {
            guard let range = rest.firstRange(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }

    /// The fault of the first clue that fits.
    static func fault(of text: String, among clues: [Clue]) -> Fault? {
        clues.first { $0.fits(text) }.flatMap { Fault.named($0.fault) }
    }

    /// What is wrong with a manifest. A problem with a field names it first.
    static let problems = [
        Clue("manifest-duplicate", "is named by * too", "stands in this file twice"),
        Clue("manifest-owner", "whoever may write it runs pods as root"),
        Clue("record-unusable", "pod record", "/state/pods/"),
        Clue("manifest-unknown-field", "unknown field"),
        Clue("manifest-refused-field", "not supported", "is not run here"),
        Clue("manifest-unreadable", "open *: ", "read *: ", "may have at most 10 MiB", "not a regular file"),
        Clue(
            "manifest-invalid-value", ": spec", ": metadata", ": apiVersion", ": kind", ": status", "expected a Pod",
            "holds no object"),
    ]

    /// Why a container waits, and why its program could not be executed.
    static let starts = [
        Clue("node-disk-full", "No space left on device", "Disk quota exceeded", "minimumFreeDisk"),
        Clue("image-name", "invalid image reference", "InvalidImageName"),
        Clue("image-never-pull", "ErrImageNeverPull", "pull policy of Never"),
        Clue(
            "image-unsigned", "SignatureValidationFailed", "cannot pull *signatures.yaml wants",
            "signatures.yaml refuses"),
        Clue(
            "registry-denied", "cannot pull *: it wants credentials", "cannot pull *: access is refused"),
        Clue("image-unknown", "cannot pull *: there is no such thing"),
        Clue(
            "registry-unreachable", "cannot pull *: Failed to connect", "cannot pull *: Could not resolve",
            "cannot pull * timed out", "cannot pull *: it has trouble", "cannot pull *: it was asked too often"),
        Clue("image-missing", "ErrImagePull", "ImagePullBackOff", "Failed to pull image"),
        Clue("runs-as-root", "breaks non-root policy", "will run as root", "cannot verify user is non-root"),
        Clue("user-unknown", "find the user", "find the group", "use the user id", "use the group id"),
        Clue("capability-missing", "capability"),
        Clue("seccomp-profile", "seccomp profile", "seccomp program"),
        Clue("apparmor-profile", "AppArmor"),
        Clue("host-path", "hostPath type check failed", "hostPath *"),
        Clue("sub-path", "subPath"),
        Clue("no-command", "no command specified", "no command is given"),
        Clue("volume", "MountVolume", "cannot find volume", "cannot be mounted at", "volume "),
        Clue("interpreter-missing", "its interpreter or dynamic loader is missing"),
        Clue("wrong-architecture", "exec format error"),
        Clue("command-not-executable", "exec: *: permission denied"),
        Clue("command-not-found", "executable file not found in $PATH", "exec: *: no such file or directory"),
        Clue("working-folder", "working folder", "chdir", "mkdir"),
        Clue("environment", "fieldRef", "resourceFieldRef", "environment"),
    ]

    /// Why the sandbox could not be made.
    static let sandboxes = [
        Clue("node-disk-full", "No space left on device", "Disk quota exceeded", "minimumFreeDisk"),
        Clue("host-port-taken", "is taken by pod"),
        Clue("cni-plugin-missing", "there is no plugin of this name"),
        Clue("cni-configuration", "no network configuration in * is usable", "there is no network * in"),
        Clue("cni-failed", "network *: plugin"),
        Clue("claim-missing", "persistentvolumeclaim * not found"),
        Clue("claim-unbound", "PVC is not bound"),
        Clue("claim-in-use", "ReadWriteOncePod access mode"),
        Clue("local-volume", "NewMounter initialization failed"),
        Clue("host-path", "hostPath"),
        Clue("volume", "MountVolume", "volume"),
    ]

    /// What programs write before they end with a failure.
    static let output = [
        Clue("port-taken", "address already in use", "port is already allocated", "EADDRINUSE"),
        Clue("port-forbidden", "bind*permission denied", "bind*EACCES"),
        Clue("read-only-file-system", "read-only file system", "EROFS"),
        Clue("disk-full", "no space left on device", "ENOSPC", "disk quota exceeded"),
        Clue(
            "too-many-processes", "fork*resource temporarily unavailable", "can't fork",
            "unable to create native thread", "pthread_create failed", "fork/exec*resource temporarily unavailable"),
        Clue("too-many-files", "too many open files", "EMFILE"),
        Clue("library-missing", "error while loading shared libraries", "error loading shared library"),
        Clue("wrong-architecture", "exec format error", "syntax error: unexpected*\u{7F}elf"),
        Clue(
            "name-not-resolved", "bad address", "name or service not known", "temporary failure in name resolution",
            "no such host", "could not resolve host", "name does not resolve", "ENOTFOUND", "EAI_AGAIN"),
        Clue(
            "not-reachable", "connection refused", "no route to host", "network is unreachable",
            "connection timed out", "ECONNREFUSED", "i/o timeout"),
        Clue("operation-not-permitted", "operation not permitted", "EPERM", "are you root?", "must be superuser"),
        Clue("command-not-found", ": not found", "command not found"),
        Clue("permission-denied", "permission denied", "EACCES"),
        Clue("file-missing", "no such file or directory", "ENOENT", "cannot find the file"),
    ]
}
