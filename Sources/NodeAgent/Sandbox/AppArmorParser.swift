import Base
import CLinux

/// Debian's program that compiles AppArmor profiles and loads them into the kernel.
public struct AppArmorParser: Sendable {
    private let places: [String]

    public init(places: [String] = ["/usr/sbin/apparmor_parser", "/sbin/apparmor_parser"]) { self.places = places }

    private var program: String? { places.first { access($0, X_OK) == 0 } }
    var isInstalled: Bool { program != nil }

    /// How long it may take: it computes for a tenth of a second.
    private static let patience = Nanoseconds.seconds(60)

    /// Loads the profiles of a file, in place of what the kernel has of their names. Blocks.
    ///
    /// - Throws: `AppArmorError` with what it said, `SystemError` when it cannot be started.
    func load(_ file: String) throws {
        guard let program else {
            throw AppArmorError(
                "AppArmor is on, and apparmor_parser, which loads profiles, is not installed; install the package "
                    + "apparmor")
        }
        let words = SharedDescriptor(
            FileDescriptor(
                adopting: try retrying("memfd_create", "the output of \(program)") {
                    swl_memfd_create("apparmor", UInt32(MFD_CLOEXEC))
                }))
        // Its cache is the administrator's.
        var spawn = Spawn(
            program, ["--replace", "--skip-cache", file],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"])
        spawn.standardOutput = words
        spawn.standardError = words
        spawn.newSession = true
        let process = try spawn.start()
        var wait = pollfd(fd: process.pidfd.raw, events: Int16(POLLIN), revents: 0)
        let deadline = BootInstant.now + Self.patience
        while poll(&wait, 1, 1000) != 1 {
            guard BootInstant.now > deadline else { continue }
            try process.send(SIGKILL)
            _ = try process.wait(block: true)
            throw AppArmorError("\(program) \(file): it did not end within \(Self.patience)")
        }
        let exit = try process.wait(block: true)
        if exit?.code == 0 { return }
        lseek(words.raw, 0, SEEK_SET)
        var text = [UInt8](repeating: 0, count: 4096)
        let count = try words.descriptor.read(into: &text) ?? 0
        let said = String(decoding: text[..<count], as: UTF8.self).split(separator: "\n").joined(separator: "; ")
        throw AppArmorError("\(program) \(file): exit status \(exit?.code ?? -1): \(said)")
    }
}
