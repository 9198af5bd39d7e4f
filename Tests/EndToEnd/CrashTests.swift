import Base
import CLinux
import JSON
import Netlink

/// Crashes and failing system calls at any moment.
let crashSuite = Suite("crash", freshNode: true) {
    [
        Test(
            "an agent that is killed at any system call loses nothing, doubles nothing and leaves nothing",
            needs: .strace
        ) {
            node in
            let sweep = try CrashSweep(node, crashScenario(node))
            var plan = SweepPlan(node.machine, samples: 30)
            for moment in plan.draw(try sweep.moments().list()) { try sweep.kill(at: moment) }
            plan.report()
        },
        Test(
            "an agent that is killed while the first pod's network is made, or the last one's taken down, leaves nothing",
            needs: .strace
        ) { node in
            let pod = shellPod(
                "lone", "mkdir /tmp/w; echo lone > /tmp/w/index.html; httpd -p 80 -h /tmp/w; \(hold)",
                container: "ports: [{containerPort: 80, hostPort: 8107}]", restart: "Always")
            let sweep = try CrashSweep(node, .init(manifests: [("lone", pod, 8107)]), isAlone: true)
            var plan = SweepPlan(node.machine, samples: 3)
            let calls = "openat,write,rename,unlink,mount,umount2,sendto,sendmsg"
            for moment in plan.draw(try sweep.moments().list(calls)) { try sweep.kill(at: moment) }
            plan.report()
        },
        Test("an agent whose system calls fail lives on, and its pods run once they do not", needs: .strace) { node in
            let sweep = try CrashSweep(node, crashScenario(node))
            var plan = SweepPlan(node.machine, samples: 1)
            let moments = try sweep.moments()
            let kinds = [
                ("openat", "ENOSPC"), ("openat", "EIO"), ("write", "ENOSPC"), ("write", "EIO"), ("clone3", "EAGAIN"),
                ("mkdir,mkdirat", "ENOSPC"), ("rename,renameat,renameat2", "EIO"), ("fsync", "EIO"),
                ("unshare,mount,setns", "ENOSPC"), ("sendto,sendmsg", "EAGAIN"),
                ("unlink,unlinkat,rmdir,umount2", "EIO"),
            ]
            for (calls, error) in plan.some(of: kinds) {
                for moment in plan.draw(moments.list(calls)) { try sweep.fail(error, at: moment) }
            }
            plan.report()
        },
        Test("a supervisor that is killed at any moment is replaced, and its containers with it", needs: .strace) {
            node in
            let sweep = try SupervisorSweep(node)
            var plan = SweepPlan(node.machine, samples: 6)
            for moment in plan.draw(try sweep.moments().list()) { try sweep.kill(at: moment) }
            for time in plan.draw(Array(1...120)) { try sweep.kill(afterMilliseconds: Int32(time)) }
            plan.report()
        },
        Test("a CNI plugin that is killed, or whose calls fail, leaves nothing and takes nothing", needs: .strace) {
            node in
            let sweep = try PluginSweep(node)
            var plan = SweepPlan(node.machine, samples: 4)
            for disturbance in plan.draw(try sweep.disturbances()) { try sweep.disturb(disturbance) }
            plan.report()
        },
        Test("a pod that is drained while its network is being made leaves nothing of it") { node in
            let slow = "#!/bin/sh\n[ $CNI_COMMAND != ADD ] || sleep 2\nexec \(node.machine.programs)/cni/bridge\n"
            try Files.makeDirectories("\(node.root)/opt/cni/bin")
            try Files.replace("\(node.root)/opt/cni/bin/slow", with: slow.utf8, mode: 0o755, durable: false)
            try Files.makeDirectories("\(node.root)/etc/cni/net.d")
            let leases = "\(node.root)/slow-leases"
            let list = """
                {"cniVersion":"1.1.0","name":"slow","plugins":[{"type":"slow","bridge":"slow0","isGateway":true,
                 "nftTable":"slow","ipam":{"type":"host-local","subnet":"10.78.0.0/24","dataDir":"\(leases)"}}]}
                """
            try Files.replace("\(node.root)/etc/cni/net.d/10-slow.conflist", with: list.utf8, durable: false)
            let attachments = "\(node.root)/run/swiftlet/cni/attachments"
            try node.drop("early.yaml", shellPod("early", hold, restart: "Always"))
            try node.eventually("the plugin is asked", seconds: 10) { (try? Files.list(attachments))?.isEmpty == false }
            try node.ok("drain")
            // What comes late would come now: the plugin was held up for two seconds at most.
            for _ in 0..<150 {
                for folder in ["/var/lib/swiftlet/pods", "/run/swiftlet/pods", "/run/swiftlet/netns"] {
                    try expectEqual(try Files.list(node.root + folder), [], "what is left in \(folder)")
                }
                try expectEqual(try Files.list(attachments), [], "attachments")
                let held = ((try? Files.list("\(leases)/slow")) ?? []).filter { $0.hasPrefix("10.") }
                try expectEqual(held, [], "leases")
                pause(milliseconds: 20)
            }
            // A plugin that came so far has made the bridge, which is its to keep.
            var routes = try RouteSocket()
            try? routes.perform { $0.deleteLink(.name("slow0")) }
        },
        Test("a start under way when the supervisor dies does not reach the next one", needs: .strace) { node in
            let script = "echo run >> /out/runs; \(hold)"
            let spec =
                "initContainers:\n"
                + shellContainer("wait", "until test -e /out/go; do sleep 0.05; done", mountOut)
                + outVolume(node)
            try node.drop("late.yaml", shellPod("late", script, container: mountOut, spec: spec, restart: "Always"))
            let pod = try node.wait("late", "its init container runs") {
                $0.container("wait")?.at("state.running") != nil
            }
            let uid = pod.string("metadata.uid") ?? ""
            // The start of `main` is held up where its files are made.
            let message = "\(node.root)/var/lib/swiftlet/pods/\(uid)/containers/main/termination-log"
            let strace = try Strace(
                node.agentPID, node, follows: true,
                ["-P", message, "-e", "trace=unlink", "-e", "inject=unlink:delay_enter=3000000:when=1"])
            try Files.replace("\(node.root)/out/go", with: [], durable: false)
            try node.eventually("the start is on its way", seconds: 10) {
                Files.isDirectory("\(node.root)/var/lib/swiftlet/pods/\(uid)/containers/main")
            }
            // The next supervisor has to wait for its init container.
            try Files.remove("\(node.root)/out/go")
            let supervisor = try supervisorPID(node, pod)
            guard CLinux.kill(supervisor, SIGKILL) == 0 else { throw SystemError("kill", "\(supervisor)") }
            try node.wait("late", "its init container runs again") {
                $0.container("wait")?.at("state.running") != nil && $0.container("wait")?.integer("restartCount") == 1
            }
            try expect(!strace.output.contains("(DELAYED)"), "the start was not held up for long enough")
            try node.eventually("the start that was held up goes on", seconds: 10) {
                strace.output.contains("(DELAYED)")
            }
            try strace.detach()
            for _ in 0..<20 {
                try expect(!Files.exists("\(node.root)/out/runs"), "a container runs before its init container ended")
                pause(milliseconds: 20)
            }
            try Files.replace("\(node.root)/out/go", with: [], durable: false)
            let ready = try node.waitReady("late", seconds: 30)
            try expectEqual(ready.container()?.integer("restartCount") ?? -1, 1, "restarts")
            try expectEqual(try text("\(node.root)/out/runs"), "run\n", "runs")
        },
    ]
}

/// How many moments are tried, and which.
struct SweepPlan {
    let samples: Int?
    let seed: UInt64
    private let isShort: Bool
    private var draw: Draw
    private var tried = 0
    private var possible = 0

    /// - Parameter samples: where SWIFTLET_SWEEP says nothing. Fewer on a slow machine.
    init(_ machine: Machine, samples: Int) {
        let wish = Machine.environment("SWIFTLET_SWEEP")
        self.samples =
            wish == "all" ? nil : wish.flatMap { Int($0) } ?? max(min(2, samples), samples / Int(machine.scale))
        isShort = wish == nil && machine.scale > 1
        seed = Machine.environment("SWIFTLET_SEED").flatMap { UInt64($0) } ?? UInt64(getpid())
        draw = Draw(seed: seed)
        print("       seed \(seed): SWIFTLET_SEED=\(seed) tries the same again")
        fflush(nil)
    }

    /// All kinds of disturbance; three of them on a slow machine.
    mutating func some<T>(of kinds: [T]) -> [T] {
        isShort ? draw.numbers(upTo: kinds.count, count: 3).map { kinds[$0 - 1] } : kinds
    }

    /// Some of these, spread over all.
    mutating func draw<T>(_ moments: [T]) -> [T] {
        if moments.isEmpty { return [] }
        let numbers = draw.numbers(upTo: moments.count, count: samples)
        tried += numbers.count
        possible += moments.count
        return numbers.map { moments[$0 - 1] }
    }

    func report() { print("       \(tried) of \(possible) moments tried") }
}

/// Pods with all that the agent makes for a pod: one on the pods' network with a port of the host, an init container, a
/// volume in memory, a part of a volume, an image and a claim, which comes and goes with its volume; and one in the host's
/// network that ends by itself and must not run twice.
func crashScenario(_ node: Node) -> CrashSweep.Scenario {
    let port: UInt16 = 8105
    let main = """
        volumeMounts:
        - {name: m, mountPath: /m}
        - {name: d, mountPath: /d, subPath: part}
        - {name: i, mountPath: /i}
        - {name: c, mountPath: /c}
        ports: [{containerPort: 80, hostPort: \(port)}]
        """
    let spec = """
        restartPolicy: Always
        securityContext: {fsGroup: 2000}
        volumes:
        - {name: m, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
        - {name: d, emptyDir: {}}
        - {name: i, image: {reference: busybox, pullPolicy: IfNotPresent}}
        - {name: c, persistentVolumeClaim: {claimName: steady}}
        initContainers:
        \(shellContainer("first", "echo steady > /d/index.html", "volumeMounts: [{name: d, mountPath: /d, subPath: part}]"))
        containers:
        \(shellContainer("main", "test -e /i/bin/busybox && cp /d/index.html /c && cp /c/index.html /m; httpd -p 80 -h /m; \(hold)", main))
        """
    let objects = """
        ---
        apiVersion: v1
        kind: PersistentVolume
        metadata: {name: steady}
        spec:
          capacity: {storage: 1Gi}
          accessModes: [ReadWriteOnce]
          hostPath: {path: \(node.root)/claimed, type: DirectoryOrCreate}
        ---
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: steady}
        spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}

        """
    return .init(manifests: [
        ("steady", podManifest("steady", spec) + objects, port),
        (
            "once",
            shellPod(
                "once", "echo run >> /out/runs; exit 3", container: mountOut,
                spec: "hostNetwork: true\n" + outVolume(node)), nil
        ),
    ])
}
