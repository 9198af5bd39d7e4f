import Base
import JSON
import TestSupport

let commandSuite = Suite("command line") {
    [
        Test("get pods shows a table, names, JSON and YAML") { node in
            try node.drop("shown.yaml", shellPod("shown", hold, restart: "Always"))
            try node.waitReady("shown")
            let table = try node.ok("get", "pods")
            for column in ["NAME", "READY", "STATUS", "RESTARTS", "AGE"] { try expectContains(table, column, "header") }
            try expectContains(table, "1/1", "table")
            try expectContains(table, "Running", "table")
            try expectContains(try node.ok("get", "pods", "-o", "name"), "pod/shown", "names")
            try expectContains(try node.ok("get", "pods", "-o", "wide"), "NODE", "wide header")
            let name = try node.fullName("shown")
            let one = try JSONParser.parse(Array(try node.ok("get", "pod", name, "-o", "json").utf8))
            try expectEqual(one.string("kind") ?? "", "Pod", "kind")
            try expectEqual(one.string("apiVersion") ?? "", "v1", "apiVersion")
            try expectContains(try node.ok("get", "pod", name, "-o", "yaml"), "kind: Pod", "yaml")
        },
        Test("get -w shows every change on a terminal until it is interrupted") { node in
            let terminal = try node.terminal("get", "pods", "-w")
            try node.drop("seen.yaml", shellPod("seen", hold, restart: "Always"))
            try node.see(terminal, "Running")
            try node.see(terminal, "1/1")
            try Files.remove("\(node.podspecs)/seen.yaml")
            try node.see(terminal, "Terminating")
            try expect(terminal.text.contains("NAME") && terminal.text.contains("seen"), terminal.text)
            try terminal.type("\u{3}")
            try expectEqual(try node.exitCode(terminal), 130, "exit code")
        },
        Test("describe shows the pod, its containers and events") { node in
            try node.drop("told.yaml", shellPod("told", hold, restart: "Always"))
            try node.waitReady("told")
            let shown = try node.ok("describe", "pod", try node.fullName("told"))
            for part in [
                "Name:", "Namespace:", "Containers:", "main:", "Image:", "State:", "Running", "Events:", "Started",
            ] { try expectContains(shown, part, "describe") }
            let timeline = shown.split(separator: "\n").drop { $0 != "Timeline:" }
            let steps = ["Manifest accepted", "Sandbox ready", "main: Created", "main: Started", "Ready"]
            let places = steps.map { step in timeline.firstIndex { $0.contains(step) } ?? -1 }
            try expect(places.allSatisfy { $0 > 0 } && places == places.sorted(), "timeline: \(timeline)")
        },
        Test("config view tells what holds and where it comes from") { node in
            let view = try node.ok("config", "view", "--effective")
            try expectContains(view, "kind: KubeletConfiguration", "view")
            let name = view.split(separator: "\n").first { $0.hasPrefix("nodeName: ") } ?? ""
            try expect(name.hasPrefix("nodeName: \(Node.name) ") && name.hasSuffix("# command line"), "\(name)")
            try expect(view.contains("podPidsLimit: 4096"), view)
            try expectContains(try node.get("/configz"), "\"kubeletconfig\"", "configz")
        },
        Test("a support bundle holds the node's state, and no environment") { node in
            try node.drop(
                "bundled.yaml",
                shellPod(
                    "bundled", "echo password=hunter2 $X; " + hold,
                    container: "env: [{name: X, value: quite-ordinary}]", restart: "Always"))
            try node.waitReady("bundled")
            try node.ok("support-bundle", "\(node.root)/bundle.tar.gz", "--logs", "10")
            let listed = try run("/bin/tar", ["-xzOf", "\(node.root)/bundle.tar.gz"], timeout: .seconds(60))
            try expectEqual(listed.status, 0, listed.errors)
            for part in ["\"bundled\"", "password=(redacted)", "kind: Pod"] {
                try expectContains(listed.output, part, "bundle")
            }
            try expect(!listed.output.contains("hunter2"), "a password is in it")
            let names = try run("/bin/tar", ["-tzf", "\(node.root)/bundle.tar.gz"], timeout: .seconds(60)).output
            try expectContains(names, "/logs/default_bundled_main.log", "names")
        },
        Test("status, version and validate answer") { node in
            try expectContains(try node.ok("status"), Node.name, "status")
            try expect(!(try node.ok("version").isEmpty), "version is empty")
            try node.drop("fine.yaml", shellPod("fine", "true"))
            try node.ok("validate", "-f", "\(node.podspecs)/fine.yaml")
        },
        Test("what is wrong is told with a status that is not 0") { node in
            for arguments in [
                ["get", "pods", "-o", "nonsense"], ["nonsense"], ["logs"], ["logs", "no-such-pod"],
                ["describe", "pod", "no-such-pod"], ["image", "load", "/no/such/file"], ["get", "pod", "no-such-pod"],
            ] {
                let result = try node.swiftlet(arguments)
                try expect(result.status != 0, "\(arguments): status 0")
                try expect(!result.errors.isEmpty, "\(arguments): nothing is said")
            }
        },
    ]
}

let manifestCommandSuite = Suite("apply, delete, diff, wait") {
    [
        Test("a pod is applied, compared, changed, waited for and deleted") { node in
            let manifest = shellPod("life", hold, restart: "Always")
            let result = try node.swiftlet("apply", "-f", "-", input: Array(manifest.utf8))
            try expectEqual(result.output, "pod/life created\n", "the first apply (\(result.errors))")
            // What follows finds the pod: nothing has to be waited for between the two.
            try expectEqual(
                try node.ok("wait", "pod/life", "--for=condition=Ready", "--timeout=20s"), "pod/life condition met\n",
                "wait")
            try expectEqual(
                try node.swiftlet("diff", "-f", "-", input: Array(manifest.utf8)).status, 0, "diff of what runs")
            let changed = shellPod("life", "echo again; " + hold, restart: "Always")
            let difference = try node.swiftlet("diff", "-f", "-", input: Array(changed.utf8))
            try expectEqual(difference.status, 1, "diff of a change")
            try expectContains(difference.output, "echo again", "diff")
            let before = try node.pod("life")?.string("metadata.uid")
            let second = try node.swiftlet("apply", "-f", "-", input: Array(changed.utf8))
            try expectEqual(second.output, "pod/life configured\n", "the second apply (\(second.errors))")
            try node.wait("life", "another instance is ready") {
                $0.string("metadata.uid") != before && $0.container()?.at("ready")?.boolValue == true
            }
            try expectEqual(
                try node.swiftlet("apply", "-f", "-", input: Array(changed.utf8)).output, "pod/life unchanged\n",
                "the third apply")
            try expectEqual(try node.ok("delete", "pod", "life"), "pod \"life\" deleted\n", "delete")
            try expect(try node.pod("life") == nil, "the pod is there after delete has returned")
        },
        Test("delete --grace-period replaces the pod's own, also of one that ends already") { node in
            for name in ["stubborn", "slow"] {
                let deaf = "trap '' TERM; while :; do sleep 1; done"
                try node.drop(
                    "\(name).yaml", shellPod(name, deaf, spec: "terminationGracePeriodSeconds: 600", restart: "Always"))
                try node.waitReady(name)
            }
            try node.ok("delete", "pod", "stubborn", "--now", "--timeout", "60s")
            try expect(try node.pod("stubborn") == nil, "stubborn is there")
            try node.ok("delete", "pod", "slow", "--wait=false")
            try node.eventually("slow is being ended", seconds: 20) {
                try node.pod("slow")?["metadata"]?["deletionTimestamp"] != nil
            }
            try node.ok("delete", "pod", "slow", "--grace-period", "1", "--timeout", "60s")
            try expect(try node.pod("slow") == nil, "slow is there")
            try expect(try Files.list(node.podspecs).isEmpty, "a manifest is left")
        },
        Test("a broken manifest is refused and changes nothing") { node in
            let broken = shellPod("never", hold, container: "imagee: x")
            let result = try node.swiftlet("apply", "-f", "-", input: Array(broken.utf8))
            try expect(result.status == 1 && result.errors.contains("<stdin>:"), result.errors)
            try expect(try Files.list(node.podspecs).isEmpty, "a manifest was written")
        },
    ]
}
