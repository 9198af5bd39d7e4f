import Base
import CLinux
import JSON

let manifestSuite = Suite("manifests") {
    [
        Test("100 broken manifests over a running pod never change its process") { node in
            let good = shellPod("steady", hold, restart: "Always")
            try node.drop("steady.yaml", good)
            let before = try node.waitReady("steady")
            let processes = "\(try node.containerCgroup("steady"))/cgroup.procs"
            let pids = try Files.readText(processes)
            let pid = try node.processes("steady").first
            for (index, broken) in brokenManifests(of: good).enumerated() {
                try node.drop("steady.yaml", broken)
                // Every tenth is looked at for long enough that the agent has read it.
                if index % 10 == 0 {
                    try node.eventually("a message about broken manifest \(index)", seconds: 5) {
                        try node.ok("get", "pods").contains("steady.yaml")
                            || node.agentLog().contains("steady.yaml:")
                    }
                }
                try expectEqual(try Files.readText(processes), pids, "pids after broken manifest \(index)")
            }
            let after = try node.waitReady("steady")
            try expectEqual(
                after.string("metadata.uid") ?? "", before.string("metadata.uid") ?? "missing", "the pod's uid")
            try expectEqual(after.container()?.integer("restartCount") ?? -1, 0, "restarts")
            try node.drop("steady.yaml", good)
            try node.waitReady("steady")
            try expectEqual(try node.processes("steady").first, pid, "pid after the good manifest came back")
        },
        Test("a misspelt field is named with its line, column and the likely field") { node in
            let manifest = shellPod("typo", "true").replacing("imagePullPolicy", with: "imagePullPolcy")
            try node.drop("typo.yaml", manifest)
            let line = manifest.split(separator: "\n", omittingEmptySubsequences: false)
                .firstIndex { $0.contains("imagePullPolcy") }.map { $0 + 1 }
            try node.eventually("the message", seconds: 5) {
                let shown = try node.swiftlet("get", "pods")
                let text = shown.output + shown.errors
                return text.contains("typo.yaml:\(line ?? 0):") && text.contains("imagePullPolicy")
            }
            let validation = try node.swiftlet("validate", "-f", "\(node.podspecs)/typo.yaml")
            try expect(validation.status != 0, "validate accepts the typo")
            try expectContains(
                validation.output + validation.errors, "typo.yaml:\(line ?? 0):", "what validate prints")
        },
        Test("files that are no manifests are ignored") { node in
            let manifest = shellPod("ignored", "true")
            for name in ["x.yaml~", "x.yaml.bak", ".x.yaml", ".x.yaml.swp", "4913", "notes.txt"] {
                try Files.replace("\(node.podspecs)/\(name)", with: manifest.utf8, mode: 0o644, durable: false)
            }
            try node.drop("seen.yaml", shellPod("seen", "true"))
            try node.waitPhase("seen", "Succeeded")
            try expect(try node.pod("ignored") == nil, "a backup file became a pod")
            for name in [".x.yaml", ".x.yaml.swp"] { try Files.remove("\(node.podspecs)/\(name)") }
        },
        Test("several documents, a List and JSON become pods") { node in
            try node.drop("two.yml", shellPod("doc-a", "true") + "---\n" + shellPod("doc-b", "true"))
            let list = """
                {"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "doc-c"}, "spec": {"restartPolicy": "Never", "containers": [{"name": "main",
                "image": "busybox", "imagePullPolicy": "IfNotPresent", "command": ["/bin/true"]}]}}]}
                """
            try node.drop("list.json", list)
            for name in ["doc-a", "doc-b", "doc-c"] { try node.waitPhase(name, "Succeeded") }
        },
        Test("of two files that name one pod the first keeps running and both are named") { node in
            try node.drop("a.yaml", shellPod("twin", "echo a; " + hold, restart: "Always"))
            let first = try node.waitReady("twin")
            try node.drop("b.yaml", shellPod("twin", "echo b; " + hold, restart: "Always"))
            try node.eventually("a message with both paths", seconds: 5) {
                let shown = try node.swiftlet("get", "pods")
                let text = shown.output + shown.errors
                return text.contains("a.yaml") && text.contains("b.yaml")
            }
            try expectEqual(
                try node.waitReady("twin").string("metadata.uid") ?? "", first.string("metadata.uid") ?? "none", "uid")
            try expectContains(try node.logs("twin"), "a", "log")
        },
        Test("a refused field names itself and keeps the pod from starting") { node in
            let manifest = shellPod("refused", "true", container: "volumeDevices: [{name: v, devicePath: /dev/v}]")
            try node.drop("refused.yaml", manifest)
            try node.eventually("the message", seconds: 5) {
                let shown = try node.swiftlet("get", "pods")
                return (shown.output + shown.errors).contains("volumeDevices")
            }
        },
    ]
}

/// A hundred ways to break a manifest: cut short, misspelt, of the wrong type, hostile.
func brokenManifests(of good: String) -> [String] {
    var broken: [String] = []
    let bytes = Array(good.utf8)
    // Cut in the middle of the spec, as a half-written file is. What is left never is the whole pod.
    let start =
        good.firstRange(of: "containers:").map { good.utf8.distance(from: good.startIndex, to: $0.lowerBound) } ?? 0
    for index in 0..<40 {
        let cut = max(1, start * index / 40)
        broken.append(String(decoding: bytes[..<cut], as: UTF8.self))
    }
    for index in 0..<20 {
        broken.append(good.replacing("containers:", with: "container\(String(repeating: "z", count: index)):"))
    }
    for value in ["1", "true", "[]", "{}", "null", "\"x\"", "1.5", "- a", "~", "!!binary x"] {
        broken.append(good.replacing("kind: Pod", with: "kind: \(value)"))
        // A null is no mistake there: it means the default.
        if value == "null" || value == "~" { continue }
        broken.append(good.replacing("restartPolicy: Always", with: "restartPolicy: \(value)"))
    }
    broken.append(good + "spec: {}\n")
    broken.append(good + "---\nkind: [\n")
    broken.append("a: &a [1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n")
    broken.append(String(repeating: "[", count: 5000))
    broken.append(String(repeating: "{a: ", count: 5000))
    broken.append("\t\u{0}\u{1}")
    broken.append(good.replacing("name: main", with: "name: Not_A_Label"))
    broken.append(String(repeating: "# filler\n", count: 1_500_000) + good)
    while broken.count < 100 { broken.append(good.replacing("metadata:", with: "metadata\(broken.count):")) }
    return broken
}
