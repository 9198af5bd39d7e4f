import Base
import CLinux
import Kube
import Linux
import PodRuntime
import Synchronization
import TestSupport
import Testing

@testable import NodeAgent

/// The kernel is a folder of files here, and the parser a script. The actor's loop belongs to one thread of a process:
/// each test has one of its own.
@Suite struct AppArmorProfilesTests {
    /// A machine whose kernel has these profiles; nil for one without AppArmor.
    private static func machine(_ profiles: String?, parser: String? = nil) throws -> TemporaryDirectory {
        let folder = try TemporaryDirectory()
        let parameters = folder.path + "/module/apparmor/parameters"
        try Files.makeDirectories(parameters)
        try Files.replace(parameters + "/enabled", with: (profiles == nil ? "N\n" : "Y\n").utf8, durable: false)
        let security = folder.path + "/kernel/security/apparmor"
        try Files.makeDirectories(security)
        try Files.replace(security + "/profiles", with: (profiles ?? "").utf8, durable: false)
        if let parser {
            let script = "#!/bin/sh\necho \"$@\" >>\(folder.path)/calls\n\(parser)\n"
            try Files.replace(folder.path + "/parser", with: script.utf8, mode: 0o755, durable: false)
        }
        return folder
    }

    /// A parser that does its work.
    private static func loads(_ folder: String = "$(dirname \"$0\")") -> String {
        "echo 'swiftlet-default (enforce)' >>\(folder)/kernel/security/apparmor/profiles"
    }

    @LoopActor private static func profiles(_ machine: TemporaryDirectory) -> AppArmorProfiles {
        AppArmorProfiles(
            folder: machine.path + "/run", pool: BlockingPool(size: 2), kernel: AppArmor(system: machine.path),
            parser: AppArmorParser(places: [machine.path + "/parser"]))
    }

    /// What the agents of a machine choose, one after the other or all at once, as text.
    private static func choices(
        _ machine: TemporaryDirectory, _ wanted: ContainerPlan.AppArmor..., confines: Bool = true
    ) throws -> [String] {
        let result = Mutex<[String]>([])
        try LoopActor.run { loop in
            let profiles = Self.profiles(machine)
            Task {
                for wanted in wanted {
                    do {
                        let choice = try await profiles.choice(wanted, supervisorConfines: confines)
                        let text =
                            switch choice {
                            case .profile(let name): name ?? "none"
                            case .unconfined(let reason): "none: \(reason)"
                            }
                        result.withLock { $0.append(text) }
                    } catch {
                        result.withLock { $0.append("\(error)") }
                    }
                }
                loop.stop()
            }
            try loop.run()
        }
        return result.withLock { $0 }
    }

    private static func calls(_ machine: TemporaryDirectory) -> [Substring] {
        ((try? Files.readText(machine.path + "/calls")) ?? "").split(separator: "\n")
    }

    @Test func theDefaultProfileIsLoadedOnceAndAnewWhenItIsGone() async {
        await #expect(processExitsWith: .success) {
            let machine = try Self.machine("other (enforce)\n", parser: Self.loads())
            let asked = ContainerPlan.AppArmor.runtimeDefault(isAsked: true)
            let open = ContainerPlan.AppArmor.runtimeDefault(isAsked: false)
            #expect(
                try Self.choices(machine, asked, open, .unconfined) == ["swiftlet-default", "swiftlet-default", "none"])
            #expect(Self.calls(machine) == ["--replace --skip-cache \(machine.path)/run/swiftlet-default.loading"])
            let text = try Files.read(machine.path + "/run/swiftlet-default")
            #expect(text == Array(DefaultAppArmorProfile.text.utf8))
            // The next agent finds it as it wants it; one of another release does not.
            #expect(try Self.choices(machine, open) == ["swiftlet-default"])
            #expect(Self.calls(machine).count == 1)
            try Files.replace(machine.path + "/run/swiftlet-default", with: "old".utf8, durable: false)
            #expect(try Self.choices(machine, open) == ["swiftlet-default"])
            #expect(Self.calls(machine).count == 2)
            try Files.replace(machine.path + "/kernel/security/apparmor/profiles", with: "".utf8, durable: false)
            #expect(try Self.choices(machine, open) == ["swiftlet-default"])
            #expect(Self.calls(machine).count == 3)
        }
    }

    @Test func aProfileThatIsNotLoadedIsNamedWithWhatToDo() async {
        await #expect(processExitsWith: .success) {
            let machine = try Self.machine("web (enforce)\nweb two (complain)\n", parser: Self.loads())
            let found = try Self.choices(
                machine, .localhost("web"), .localhost("web two"), .localhost("web (enforce"), .localhost("we"))
            #expect(found.prefix(2) == ["web", "web two"])
            #expect(
                found.last == "AppArmor profile \"we\" is not loaded; load it with apparmor_parser -r FILE")
            #expect(found[2].contains("is not loaded") && Self.calls(machine) == [])
        }
    }

    @Test func withoutAParserOnlyWhatAsksForTheDefaultIsRefused() async {
        await #expect(processExitsWith: .success) {
            let machine = try Self.machine("")
            let found = try Self.choices(
                machine, .runtimeDefault(isAsked: false), .runtimeDefault(isAsked: true))
            #expect(found.first == "none")
            #expect(found.last?.contains("install the package apparmor") == true)
            // Loaded by somebody else it serves.
            let loaded = try Self.machine("swiftlet-default (enforce)\n")
            #expect(try Self.choices(loaded, .runtimeDefault(isAsked: true)) == ["swiftlet-default"])
        }
    }

    @Test func whereTheParserFailsOnlyWhatAsksForTheProfileWaits() async {
        await #expect(processExitsWith: .success) {
            let machine = try Self.machine("", parser: "echo Access denied. >&2; exit 243")
            let found = try Self.choices(
                machine, .runtimeDefault(isAsked: false), .runtimeDefault(isAsked: true))
            let words =
                "\(machine.path)/parser \(machine.path)/run/swiftlet-default.loading: exit status 243: Access denied."
            #expect(found == ["none: " + words, words])
        }
    }

    @Test func anOlderSupervisorIsNeverAskedSilently() async {
        await #expect(processExitsWith: .success) {
            let machine = try Self.machine("web (enforce)\n", parser: Self.loads())
            let found = try Self.choices(
                machine, .runtimeDefault(isAsked: false), .localhost("web"), .unconfined, confines: false)
            let words = "the pod's supervisor is of a version that sets no AppArmor profiles; start the pod anew"
            #expect(found == ["none: " + words, words, "none"])
        }
    }

    @Test func withoutAppArmorAPodThatAsksForItIsRefusedInTheKubeletsWords() async {
        await #expect(processExitsWith: .success) {
            let machine = try Self.machine(nil, parser: Self.loads())
            #expect(try Self.choices(machine, .runtimeDefault(isAsked: false), .unconfined) == ["none", "none"])
            #expect(
                try Self.choices(machine, .localhost("web"))
                    == ["cannot enforce AppArmor: AppArmor is not enabled on the host"])
            try LoopActor.run { _ in
                let profiles = Self.profiles(machine)
                var spec = PodSpec()
                #expect(profiles.refusal(of: spec) == nil)
                spec.securityContext.appArmorProfile = AppArmorProfile(type: .unconfined)
                #expect(profiles.refusal(of: spec) == nil)
                spec.securityContext.appArmorProfile = AppArmorProfile(type: .runtimeDefault)
                #expect(
                    profiles.refusal(of: spec) == "Cannot enforce AppArmor: AppArmor is not enabled on the host")
            }
        }
    }
}
