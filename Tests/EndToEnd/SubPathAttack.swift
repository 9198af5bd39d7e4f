import Base
import CLinux

/// What a hostile container does to a volume that it shares: it swaps what others mount parts of for links to the host,
/// for files and for nothing, as fast as the kernel lets it.
enum SubPathAttack {
    /// Parts of the volume that are attacked, with all that a container that has one mounted may see there: the names in
    /// a folder (`*` when it is empty), or what a file says.
    static let parts: [(path: String, allowed: Set<String>)] = [
        ("linked", ["own"]), ("above/in", ["own"]), ("mixed", ["own", "mine"]), ("missing/new", ["*"]),
        ("lost", ["*"]),
    ]

    /// A script that makes what is there before the attack.
    static let preparation =
        "cd /d; mkdir -p linked above/in mixed; touch linked/own above/in/own mixed/own; printf mine > file"

    /// Starts it as a process of its own, in what the first process of a container sees as `folder`.
    ///
    /// - Parameter secret: a folder of the host, with `secret` and `in/secret`.
    static func start(_ victim: pid_t, _ folder: String, secret: String) throws -> ChildProcess {
        var spawn = Spawn("/proc/self/exe", ["--attack", "/proc/\(victim)/root\(folder)", secret])
        spawn.parentDeathSignal = SIGKILL
        return try spawn.start()
    }

    /// What that process does until it is killed.
    static func run(_ arguments: [String]) -> Int32 {
        guard arguments.count == 2, chdir(arguments[0]) == 0 else { return 2 }
        // It takes what others leave: a processor of its own would only hold up the starts.
        _ = nice(10)
        let secret = arguments[1]
        let climbing = String(repeating: "../", count: 40) + secret.dropFirst()
        let targets = [secret, climbing, "/proc/self/root\(secret)", "/", "..", "/proc/1/root", "loop"]
        for (n, target) in targets.enumerated() { _ = symlink(target, "link\(n)") }
        _ = symlink("\(secret)/secret", "file-link")
        while true {
            for n in targets.indices {
                for part in ["linked", "above"] {
                    exchange(part, "link\(n)")
                    exchange(part, "link\(n)")
                }
                for other in ["file", "file-link", "link\(n)"] {
                    exchange("mixed", other)
                    exchange("mixed", other)
                }
                // What the agent makes is taken away at once, with a link in its place: to where the test would see
                // what it makes.
                for path in ["missing/new", "missing", "lost"] { _ = rmdir(path) }
                for part in ["missing", "lost"] where n < 3 && rename("link\(n)", part) == 0 {
                    _ = rename(part, "link\(n)")
                }
            }
        }
    }

    private static func exchange(_ one: String, _ other: String) {
        let exchange: UInt32 = 2  // RENAME_EXCHANGE
        _ = swl_renameat2(AT_FDCWD, one, AT_FDCWD, other, exchange)
    }
}
