import Base
import CLinux
import JSON

/// What a container with CAP_SYS_ADMIN can do. The kernel's settings are those of the pod's own namespaces.
private let trials = """
    cat /proc/self/attr/current
    umount /proc/sys && echo UNCOVERED
    cat /proc/sys/kernel/shm_rmid_forced >/tmp/value
    cat /tmp/value >/proc/sys/kernel/shm_rmid_forced && echo WROTE
    mkdir /tmp/place; mount -t tmpfs none /tmp/place && echo MOUNTED
    echo 1000 >/proc/self/oom_score_adj && echo OWN
    """

private func context(_ profile: String, _ more: String = "") -> String {
    "securityContext: {\(more)appArmorProfile: \(profile)}"
}

private let asAdministrator = "capabilities: {add: [SYS_ADMIN]}, "
private let current = "cat /proc/self/attr/current"

let appArmorSuite = Suite("apparmor", isOfKernel: true) {
    [
        Test("what has AppArmor's default profile can neither mount nor change the kernel's settings", needs: .appArmor)
        {
            node in
            let unset = "securityContext: {\(asAdministrator)}"
            for (name, extra) in [("unset", unset), ("asked", context("{type: RuntimeDefault}", asAdministrator))] {
                let log = try node.runToEnd(name, shellPod(name, trials + "\ntrue", container: extra))
                try expectContains(log, "swiftlet-default (enforce)", "profile")
                try expect(!log.contains("WROTE") && !log.contains("MOUNTED\n"), "\(name) is not confined: \(log)")
                // The profile denies this, and no other means.
                try expectContains(log, "UNCOVERED\n", "what it may")
                try expectContains(log, "OWN\n", "what it may")
            }
            let open = context("{type: Unconfined}", asAdministrator)
            let log = try node.runToEnd("open", shellPod("open", trials, container: open))
            for word in ["unconfined\n", "UNCOVERED\n", "WROTE\n", "MOUNTED\n", "OWN\n"] {
                try expectContains(log, word, "what an unconfined container may")
            }
        },
        Test(
            "a privileged container is under no profile but one that it names, and an annotation names one, too",
            needs: .appArmor
        ) {
            node in
            let privileged = "securityContext: {privileged: true}"
            let spec = context("{type: RuntimeDefault}")
            let log = try node.runToEnd("root", shellPod("root", current, container: privileged, spec: spec))
            try expectEqual(log, "unconfined\n", "profile of the privileged container")
            let manifest = podManifest(
                "noted", "restartPolicy: Never\ncontainers:\n" + shellContainer("main", current),
                metadata: "annotations: {container.apparmor.security.beta.kubernetes.io/main: unconfined}")
            try expectEqual(try node.runToEnd("noted", manifest), "unconfined\n", "profile by annotation")
            try withProfile("") { profile, _ in
                let named = context("{type: Localhost, localhostProfile: \(profile)}", "privileged: true, ")
                let log = try node.runToEnd("named", shellPod("named", current, container: named))
                try expectEqual(log, "\(profile) (enforce)\n", "profile that it names")
            }
        },
        Test("all that is started in a container is under its profile, under the next agent as well", needs: .appArmor)
        {
            node in
            let note = "[sh, -c, \"\(current) >>/tmp/probes\"]"
            let extra = """
                securityContext: {runAsUser: 1000, allowPrivilegeEscalation: false}
                readinessProbe: {exec: {command: \(note)}, periodSeconds: 1}
                lifecycle: {postStart: {exec: {command: [sh, -c, "\(current) >/tmp/hook"]}}}
                """
            try node.drop("all.yaml", shellPod("all", hold, container: extra, restart: "Always"))
            try node.waitReady("all")
            let wanted = "swiftlet-default (enforce)\n"
            try expectEqual(try node.exec("all", current).output, wanted, "profile of exec")
            try expectEqual(try node.exec("all", "cat /tmp/hook").output, wanted, "profile of the hook")
            try expectContains(try node.exec("all", "cat /tmp/probes").output, wanted, "profile of the probe")
            try node.kill()
            try node.start()
            try node.waitReady("all")
            try expectEqual(try node.exec("all", current).output, wanted, "profile of exec by the next agent")
            // It is heard when it is asked to end: the profile lets the node's signals in.
            try node.ok("delete", "pod", try node.fullName("all"), "--grace-period=600")
            try node.waitGone("all")
        },
        Test("a profile of the node's own is waited for, and denies what it says", needs: .appArmor) { node in
            try withProfile("deny /tmp/secret/** w,", isLoaded: false) { profile, load in
                let script =
                    "\(current); mkdir /tmp/open /tmp/secret; touch /tmp/open/x && echo OPEN; "
                    + "touch /tmp/secret/x || echo DENIED"
                let named = context("{type: Localhost, localhostProfile: \(profile)}")
                try node.drop("own.yaml", shellPod("own", script, container: named))
                let message = "AppArmor profile \"\(profile)\" is not loaded; load it with apparmor_parser -r FILE"
                try node.wait("own", "it waits for the profile") {
                    $0.container()?.string("state.waiting.reason") == "CreateContainerError"
                        && $0.container()?.string("state.waiting.message") == message
                }
                let why = try node.swiftlet("why", try node.fullName("own"))
                try expectContains(why.output, "apparmor_parser -r", "what is to be done")
                try load()
                try node.waitPhase("own", "Succeeded", seconds: 30)
                let log = try node.logs("own")
                try expectContains(log, "\(profile) (enforce)\nOPEN\n", "what the profile allows")
                try expectContains(log, "DENIED\n", "what it denies")
            }
        },
        Test("without AppArmor a pod that asks for a profile fails in the kubelet's words", needs: .noAppArmor) {
            node in
            let spec = context("{type: RuntimeDefault}")
            try node.drop("asks.yaml", shellPod("asks", "true", spec: spec))
            let pod = try node.waitPhase("asks", "Failed")
            let message = "Cannot enforce AppArmor: AppArmor is not enabled on the host"
            try expectEqual(pod.string("status.reason") ?? "", "AppArmor", "reason")
            try expectEqual(pod.string("status.message") ?? "", "Pod was rejected: " + message, "message")
            try node.eventually("event AppArmor", seconds: 10) {
                try node.events("asks").contains {
                    $0.string("reason") == "AppArmor" && $0.string("message") == message
                }
            }
            let open = shellPod("open", "echo runs", container: context("{type: Unconfined}"))
            try expectEqual(try node.runToEnd("open", open), "runs\n", "an unconfined container")
        },
    ]
}

/// Gives `body` the name of a profile that allows all but what `rule` denies, and what loads it. It goes afterwards.
private func withProfile(
    _ rule: String, isLoaded: Bool = true, _ body: (String, () throws -> Void) throws -> Void
) throws {
    let name = "swiftlet-e2e-\(getpid())"
    let folder = try scratchFolder()
    defer { try? Files.removeTree(folder) }
    let text = """
        profile \(name) flags=(attach_disconnected) {
          file,
          network,
          capability,
          mount,
          signal (receive) peer=unconfined,
          \(rule)
        }

        """
    try Files.replace("\(folder)/profile", with: text.utf8, durable: false)
    func parse(_ option: String) throws {
        let result = try run(
            "/usr/sbin/apparmor_parser", [option, "--skip-cache", "\(folder)/profile"], timeout: .seconds(60))
        try expectEqual(result.status, 0, "apparmor_parser \(option): \(result.errors)")
    }
    defer { try? parse("--remove") }
    if isLoaded { try parse("--replace") }
    try body(name) { try parse("--replace") }
}
