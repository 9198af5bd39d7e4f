import Base
import CLinux
import Kube
import Linux
import PodRuntime

/// Which AppArmor profile of the kernel a container is put under. Loads the default one when it is first needed, and
/// again when somebody has removed it.
@LoopActor
public final class AppArmorProfiles {
    /// What became of a container's profile.
    enum Choice: Equatable {
        /// The profile's name in the kernel; nil for none.
        case profile(String?)
        /// The manifest asks for none, and the default one cannot be had: what the operator should know.
        case unconfined(because: String)
    }

    private let kernel: AppArmor
    private let parser: AppArmorParser
    private let folder: String
    private let pool: BlockingPool
    /// One load at a time.
    private var loading: Task<Void, any Error>?
    /// The default profile is this release's own.
    private var isCurrent = false

    /// - Parameters:
    ///   - folder: for the default profile's text, `/run/swiftlet/apparmor`; made when it is needed.
    public nonisolated init(
        folder: String, pool: BlockingPool, kernel: AppArmor = AppArmor(), parser: AppArmorParser = AppArmorParser()
    ) {
        self.folder = folder
        self.pool = pool
        self.kernel = kernel
        self.parser = parser
    }

    /// Why the pod is refused, in the kubelet's words; nil when what it asks for can be had.
    public func refusal(of spec: PodSpec) -> String? {
        guard spec.needsAppArmor, !kernel.isEnabled else { return nil }
        return "Cannot enforce AppArmor: AppArmor is not enabled on the host"
    }

    /// - Parameter supervisorConfines: whether the pod's supervisor can put a process under a profile.
    /// - Throws: `AppArmorError`, a profile that the manifest asks for cannot be had: the container must not run without.
    func choice(_ wanted: ContainerPlan.AppArmor, supervisorConfines: Bool) async throws -> Choice {
        let isAsked: Bool
        switch wanted {
        case .unconfined: return .profile(nil)
        case .localhost: isAsked = true
        case .runtimeDefault(let asked): isAsked = asked
        }
        guard kernel.isEnabled else {
            if !isAsked { return .profile(nil) }
            throw AppArmorError("cannot enforce AppArmor: AppArmor is not enabled on the host")
        }
        do {
            guard supervisorConfines else {
                throw AppArmorError(
                    "the pod's supervisor is of a version that sets no AppArmor profiles; start the pod anew")
            }
            if case .localhost(let name) = wanted {
                guard try await isLoaded(name) else {
                    throw AppArmorError(
                        "AppArmor profile \"\(name)\" is not loaded; load it with apparmor_parser -r FILE")
                }
                return .profile(name)
            }
            // That there is no parser is said once, of the node.
            if !isAsked, !parser.isInstalled, try await !isLoaded(DefaultAppArmorProfile.name) { return .profile(nil) }
            try await loadDefault()
            return .profile(DefaultAppArmorProfile.name)
        } catch {
            if isAsked { throw error }
            return .unconfined(because: "\(error)")
        }
    }

    private func isLoaded(_ name: String) async throws -> Bool {
        try await pool.run { [kernel] in try kernel.hasLoaded(name) }
    }

    private func loadDefault() async throws {
        if let loading { return try await loading.value }
        let task = Task {
            let isThere = try await isLoaded(DefaultAppArmorProfile.name)
            if isThere, isCurrent || !parser.isInstalled { return }
            try await pool.run { [folder, parser] in try Self.load(folder, parser, isThere: isThere) }
            isCurrent = true
        }
        loading = task
        defer { loading = nil }
        try await task.value
    }

    /// The file says what was loaded last: an agent of the same release that is restarted need not do it again.
    private nonisolated static func load(_ folder: String, _ parser: AppArmorParser, isThere: Bool) throws {
        let file = Path.join(folder, DefaultAppArmorProfile.name)
        if isThere, (try? Files.read(file)) == Array(DefaultAppArmorProfile.text.utf8) { return }
        try Files.makeDirectories(folder, mode: 0o700)
        let new = file + ".loading"
        try Files.replace(new, with: DefaultAppArmorProfile.text.utf8, mode: 0o600, durable: false)
        try parser.load(new)
        try retrying("rename", file) { rename(new, file) }
    }
}

/// Why a profile that a manifest asks for cannot be had.
struct AppArmorError: Error, Hashable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
