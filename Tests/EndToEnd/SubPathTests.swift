import Base
import CLinux
import JSON

/// Parts of volumes that a hostile container swaps for something else while others are started.
let subPathSuite = Suite("subPath", isOfKernel: true) {
    [
        Test("a container that swaps a part of a volume for links never makes others see anything of the host") {
            node in
            let secret = "\(node.root)/secret"
            try Files.makeDirectories("\(secret)/in")
            for file in ["secret", "in/secret"] {
                try Files.replace("\(secret)/\(file)", with: "HOST".utf8, mode: 0o644, durable: false)
            }
            let before = try look(secret)
            try Files.makeDirectories("\(node.root)/out")
            try node.drop("race.yaml", manifest(node))
            try node.wait("race", "the attacker runs") { $0.container()?.at("state.running") != nil }
            guard let victim = try node.processes("race").first else { throw Failure("the attacker has no process") }
            let attack = try SubPathAttack.start(victim, "/d", secret: secret)
            defer {
                _ = try? attack.send(SIGKILL)
                _ = try? attack.wait(block: true)
            }
            var refused = 0
            let began = BootInstant.now
            let least = max(2, 5 / Int(node.machine.scale))
            for round in 0..<30 where round < least || BootInstant.now - began < .seconds(12) {
                for n in SubPathAttack.parts.indices { try node.ok("restart", "race", "-c", "v\(n)") }
                let pod = try node.wait("race", "each container has run or was refused", seconds: 30) { pod in
                    SubPathAttack.parts.indices.allSatisfy { n in
                        let reason = pod.container("v\(n)")?.string("state.waiting.reason") ?? ""
                        return ["CrashLoopBackOff", "CreateContainerConfigError", "CreateContainerError"].contains(
                            reason)
                    }
                }
                refused += SubPathAttack.parts.indices.count {
                    pod.container("v\($0)")?.string("state.waiting.reason") != "CrashLoopBackOff"
                }
            }
            let given = try seen(node).reduce(0) { $0 + $1.count }
            for (n, part) in SubPathAttack.parts.enumerated() {
                let others = try seen(node)[n].filter { !part.allowed.contains($0) }
                try expectEqual(others, [], "what was seen at subPath \(part.path)")
            }
            try expectEqual(try look(secret), before, "the host's folder")
            try expect(try attack.wait(block: false) == nil, "the attacker has ended")
            print("       \(given) starts, \(refused) refused")
            try expect(given > 5 && refused > 0, "nothing raced: \(given) starts, \(refused) refused")
        }
    ]
}

/// What the containers have seen, by their number.
private func seen(_ node: Node) throws -> [[String]] {
    try SubPathAttack.parts.indices.map { n in
        let path = "\(node.root)/out/v\(n)"
        return Files.exists(path) ? try text(path).split(separator: "\n").map(String.init) : []
    }
}

/// Names, modes and times of what the attacker's links lead to.
private func look(_ folder: String) throws -> [String] {
    let result = try run(
        "/usr/bin/find", [folder, "-printf", "%P %M %U %G %T@ %C@\n"], timeout: .seconds(10))
    return result.output.split(separator: "\n").map(String.init).sorted()
}

private func manifest(_ node: Node) -> String {
    var spec = "restartPolicy: Always\nvolumes:\n- {name: d, emptyDir: {}}\n"
    spec += "- {name: out, hostPath: {path: \(node.root)/out}}\ninitContainers:\n"
    let volume = "volumeMounts: [{name: d, mountPath: /d}]"
    spec += shellContainer("fill", SubPathAttack.preparation, volume) + "containers:\n"
    spec += shellContainer("main", hold, volume)
    for (n, part) in SubPathAttack.parts.enumerated() {
        let script = "if [ -f /p ]; then cat /p; echo; else cd /p && echo *; fi >> /out/v\(n)"
        // By both ways to name a part.
        let path = n % 2 == 0 ? "subPath: \(part.path)" : "subPathExpr: $(PART)"
        let mounts = "volumeMounts: [{name: d, mountPath: /p, \(path)}, {name: out, mountPath: /out}]"
        spec += shellContainer("v\(n)", script, "env: [{name: PART, value: \(part.path)}]\n\(mounts)")
    }
    return podManifest("race", spec)
}
