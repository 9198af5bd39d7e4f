import Base
import JSON
import TestSupport
import Testing

@testable import NodeAgent

@Suite struct ConfigurationFileTests {
    private static let head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"

    private func decode(_ text: String) throws -> NodeSettings {
        try ConfigurationFile.decode(Array(text.utf8), path: "c.yaml")
    }

    /// What is said of a file with these lines after its head.
    private func complaint(_ lines: String) -> String {
        do {
            _ = try decode(Self.head + lines)
            return "(accepted)"
        } catch {
            return "\(error)"
        }
    }

    @Test func everyFieldSetsWhatItNames() throws {
        let settings = try decode(
            Self.head + """
                cgroupRoot: /pods
                podPidsLimit: 100
                staticPodPath: /srv/manifests
                drainOnExit: true
                logLevel: warning
                nodeName: edge-1
                unenforcedLimits: true
                clusterDNS: [10.96.0.10, "fd00::10"]
                clusterDomain: edge.example
                allowedUnsafeSysctls: ["kernel.msg*", net/core/somaxconn]
                maxPods: 12
                minimumFreeDisk: 2Gi
                """)
        var expected = NodeSettings()
        expected.cgroupRoot = "/pods"
        expected.podPIDLimit = 100
        expected.manifestFolder = "/srv/manifests"
        expected.drainsOnExit = true
        expected.logLevel = .warning
        expected.nodeName = "edge-1"
        expected.acceptsUnenforcedLimits = true
        expected.clusterDNS = ["10.96.0.10", "fd00::10"]
        expected.clusterDomain = "edge.example"
        expected.allowedUnsafeSysctls = ["kernel.msg*", "net/core/somaxconn"]
        expected.maxPods = 12
        expected.minimumFreeDisk = 2 << 30
        #expect(settings == expected)
    }

    @Test func theKubeletsVerbosityIsTheLogLevel() throws {
        #expect(try decode(Self.head + "logging: {verbosity: 4}").logLevel == .debug)
        #expect(try decode(Self.head + "logging: {verbosity: 0}").logLevel == .info)
        #expect(complaint("logging: {verbosity: 2}\nlogLevel: info\n").contains("logLevel is set too"))
    }

    @Test func theLongestBackOffIsTheKubeletsField() throws {
        let settings = try decode(Self.head + "crashLoopBackOff: {maxContainerRestartPeriod: 1m30s}")
        #expect(settings.longestBackOff == .seconds(90))
        for wrong in ["0s", "301s", "60", "[]"] {
            #expect(
                complaint("crashLoopBackOff: {maxContainerRestartPeriod: \(wrong)}").contains(
                    "crashLoopBackOff.maxContainerRestartPeriod: expected a time from 1s to 300s"))
        }
        #expect(complaint("crashLoopBackOff: {max: 1s}").contains("crashLoopBackOff.max: unknown field"))
        #expect(complaint("crashLoopBackOff: 1s").contains("expected an object, found a string"))
    }

    @Test func boundsOfTheNodeAreAmounts() throws {
        for wrong in ["0", "-1", "many", "1.5", "[]"] {
            #expect(complaint("maxPods: \(wrong)").contains("maxPods: expected a positive integer"), "\(wrong)")
        }
        for wrong in ["-1", "-5Gi", "much", "{}"] {
            #expect(complaint("minimumFreeDisk: \(wrong)").contains("minimumFreeDisk: expected an amount of bytes"))
        }
        #expect(try decode(Self.head + "minimumFreeDisk: 0").minimumFreeDisk == 0)
        #expect(try decode(Self.head + "minimumFreeDisk: 1000000").minimumFreeDisk == 1_000_000)
    }

    @Test func whatHoldsIsShownWithWhereItComesFromAndWithoutSecrets() throws {
        var commandLine = NodeSettings()
        commandLine.logLevel = .debug
        let start = commandLine.or(try decode(Self.head + "podCIDR: 10.9.0.0/24"))
        let now = commandLine.or(
            try decode(
                Self.head + """
                    podCIDR: 10.10.0.0/24
                    podPidsLimit: 7
                    logLevel: error
                    staticPodURL: https://fleet.example/pods?key=hush
                    staticPodURLHeader: {Authorization: [hush], X: [hush, hush]}
                    podsURLClient: {tokenFile: /t}
                    """))
        let view = NodeConfiguration(
            path: "c.yaml", problem: nil, commandLine: commandLine, now: now, start: start,
            defaults: .defaults(nodeName: "host", cgroupRoot: "/swiftlet", manifestFolder: "/etc/podspecs"))
        func setting(_ name: String) -> NodeConfiguration.Setting? { view.settings.first { $0.name == name } }
        #expect(setting("logLevel")?.origin == .commandLine && setting("logLevel")?.value == "debug")
        #expect(setting("podPidsLimit")?.origin == .file && setting("podPidsLimit")?.afterRestart == nil)
        #expect(setting("podCIDR")?.value == "10.9.0.0/24" && setting("podCIDR")?.afterRestart == "10.10.0.0/24")
        #expect(setting("nodeName")?.origin == .builtIn && setting("nodeName")?.value == "host")
        #expect(setting("statusURLClient") == nil)
        #expect(setting("podsURLClient")?.value["timeout"] == "30s")
        let text = JSONWriter().text(view.document)
        #expect(!text.contains("hush") && text.contains("fleet.example/pods?"))
        #expect(view.document["podPidsLimit"] == 7 && view.document["kind"] == "KubeletConfiguration")
    }

    @Test func everyFieldOfTheTableIsReadAndThePackagesFileNamesIt() throws {
        let template = try PrintedDocument.read("packaging/config.yaml")
        for field in ConfigurationField.all {
            #expect(complaint("\(field.name): {\n") != "(accepted)")
            #expect(!complaint("\(field.name): [1]\n").contains("unknown field"), "\(field.name)")
            if field.alias == nil { #expect(template.contains("\(field.name):"), "\(field.name)") }
        }
    }

    @Test func aFileOfCommentsAndNullsSetsNothing() throws {
        #expect(try decode("# nothing\n") == NodeSettings())
        #expect(try decode("") == NodeSettings())
        #expect(try decode(Self.head + "podPidsLimit:\nlogging:\n") == NodeSettings())
    }

    @Test func aMistakeIsNamedWithFileLineAndColumn() {
        #expect(
            complaint("podPidLimit: 5") == #"c.yaml:3:1: podPidLimit: unknown field (did you mean "podPidsLimit"?)"#)
        #expect(
            complaint("podPidsLimit: many")
                == "c.yaml:3:15: podPidsLimit: expected a positive integer, or -1 for no limit")
        #expect(complaint("logging:\n  verbose: 1") == "c.yaml:4:3: logging.verbose: unknown field")
        #expect(complaint("logging: 5") == "c.yaml:3:10: logging: expected an object, found an integer")
        #expect(
            complaint("evictionHard: {}")
                == "c.yaml:3:1: evictionHard: a field of the kubelet that this node does not carry out; remove it")
        #expect(complaint("clusterDNS: [dns]") == "c.yaml:3:13: clusterDNS: expected a list of IP addresses")
        #expect(
            complaint("clusterDomain: a..b") == "c.yaml:3:16: clusterDomain: expected a domain, as cluster.local")
        for name in ["vm.swappiness", "*", "kernel.*", "net.core.x*y", "Net.core"] {
            #expect(complaint("allowedUnsafeSysctls: ['\(name)']").hasPrefix("c.yaml:3:23: allowedUnsafeSysctls: "))
        }
        #expect(complaint("nodeName: [\n").hasPrefix("c.yaml:4:"))
    }

    @Test func allMistakesAreNamedAtOnce() {
        let text = complaint(
            "podPidsLimit: 0\ncgroupRoot: ../up\nstaticPodPath: /\nnodeName: ''\ndrainOnExit: 1\nzebra: 1\n")
        #expect(text.split(separator: "\n").count == 6)
    }

    @Test func anotherKindIsNoConfiguration() {
        for text in ["kind: KubeletConfiguration\n", "apiVersion: v1\nkind: KubeletConfiguration\n", "- 1\n", "text"] {
            #expect(throws: ConfigurationError.self) { try decode(text) }
        }
        #expect(throws: ConfigurationError.self) { try decode(Self.head + "---\n" + Self.head) }
    }

    @Test func aFileThatIsNotThereSetsNothingAndOneThatCannotBeReadIsRefused() throws {
        let folder = try TemporaryDirectory()
        #expect(try ConfigurationFile.read("\(folder.path)/none.yaml") == nil)
        #expect(throws: ConfigurationError.self) { try ConfigurationFile.read(folder.path) }
        let file = try folder.write("c.yaml", Self.head + "podPidsLimit: 7\n")
        #expect(try ConfigurationFile.read(file)?.podPIDLimit == 7)
    }

    @Test func theCommandLineWinsOverTheFile() {
        var line = NodeSettings()
        line.logLevel = .debug
        var file = NodeSettings()
        (file.logLevel, file.podPIDLimit) = (.error, 9)
        let settings = line.or(file)
        #expect(settings.logLevel == .debug)
        #expect(settings.podPIDLimit == 9)
    }

    @Test func whatARunningAgentCannotChangeIsNamed() {
        var other = NodeSettings()
        (other.logLevel, other.podPIDLimit, other.drainsOnExit) = (.error, 9, true)
        #expect(NodeSettings().needingRestart(for: other) == [])
        (other.cgroupRoot, other.manifestFolder) = ("/x", "/y")
        (other.nodeName, other.acceptsUnenforcedLimits) = ("n", true)
        #expect(
            NodeSettings().needingRestart(for: other) == [
                "nodeName", "staticPodPath", "cgroupRoot", "unenforcedLimits",
            ])
    }
}
