import Base
import CLinux
import Linux

/// The end-to-end tests: a real agent, real images, real kernel. Run by scripts/test, natively and in the virtual
/// machine; needs root.
///
///     swiftlet-e2e [--list] [--kernel] [FILTER...]
///
/// With --kernel the suites whose promises the kernel keeps, and the tests that need its limits.
///
/// Environment: SWIFTLET_BIN (folder of the programs), SWIFTLET_IMAGES (what scripts/demo-image made),
/// SWIFTLET_TIME_SCALE (factor on every time-out), SWIFTLET_CGROUP_ROOT (a delegated cgroup; made otherwise).
@main struct EndToEnd {
    static let suites: [Suite] = [
        lifecycleSuite, endingSuite, hookSuite, sidecarSuite, restartAllSuite, manifestSuite, imageSuite,
        imageStoreSuite, pullSuite,
        limitSuite, localDiskSuite, probeSuite, probeAgentSuite, securitySuite, namespaceSuite, volumeSuite, mountSuite,
        subPathSuite, groupSuite, nameSuite, appArmorSuite,
        sysctlSuite, configurationSuite, fileSuite, userSuite, logSuite, networkSuite,
        networkEndSuite, networkReadinessSuite, networkPluginSuite, severalNetworksSuite, ruleSuite, debianPluginSuite,
        execSuite, terminalSuite, attachSuite,
        debugSuite,
        webSocketSuite, commandSuite,
        manifestCommandSuite, controlSuite, replacementSuite, admissionSuite, databaseSuite, postgresSuite,
        webServerSuite, copySuite, whySuite, metricsSuite,
        supervisorSuite, agentSuite, adoptionSuite, reconnectSuite, attachCrashSuite, versionSuite, endpointSuite,
        statusSuite, crashSuite, imageCrashSuite,
    ]

    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        let filters = arguments.filter { !$0.hasPrefix("-") }
        if arguments.contains("--list") {
            for suite in suites { for test in suite.tests { print("\(suite.name): \(test.promise)") } }
            return
        }
        if arguments.first == "--fake-supervisor" { exit(FakeSupervisor.run(Array(arguments.dropFirst()))) }
        if arguments.first == "--attack" { exit(SubPathAttack.run(Array(arguments.dropFirst()))) }
        if arguments.first == "--outside" { exit(Outside.run(Array(arguments.dropFirst()))) }
        let machine: Machine
        do {
            machine = try Machine.fromEnvironment()
            // Agents and pods change their host's network: this one goes with the process.
            try Namespaces.network.unshare()
            try retrying("set up", "lo") { swl_interface_up("lo") }
        } catch {
            print("swiftlet-e2e: \(error)")
            exit(2)
        }
        var runner = Runner(
            machine: machine, filters: Array(filters), onlyKernel: arguments.contains("--kernel"))
        for suite in suites { runner.run(suite) }
        if rmdir(machine.cgroup) != 0 {
            print("FAILED the cgroup \(machine.cgroup) is not empty after all tests: \(Errno.current)")
            exit(1)
        }
        print("\(runner.passed) passed, \(runner.failed) failed, \(runner.skipped) skipped")
        exit(runner.failed == 0 && runner.passed > 0 ? 0 : 1)
    }
}
