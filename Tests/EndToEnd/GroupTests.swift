import Base
import CLinux
import JSON

let groupSuite = Suite("groups", images: ["busybox.tar", "users.tar"], isOfKernel: true) {
    [
        Test("a user is in the pod's groups and in that of its volumes, and the status says so") { node in
            let spec = "securityContext: {runAsUser: 4242, runAsGroup: 5000, fsGroup: 2000, supplementalGroups: [3000]}"
            try expectEqual(try node.runToEnd("ids", shellPod("ids", "id -G", spec: spec)), "5000 2000 3000\n", "id")
            let groups = try node.pod("ids")?.container()?.at("user.linux.supplementalGroups")?.arrayValue
            try expectEqual(groups?.compactMap(\.integerValue) ?? [], [5000, 2000, 3000], "groups in the status")
        },
        Test("with the policy Strict the image's groups are left out") { node in
            func run(_ name: String, _ policy: String) throws -> String {
                let spec =
                    "securityContext: {supplementalGroups: [3000], supplementalGroupsPolicy: \(policy)}"
                let manifest = shellPod(name, "id -G", spec: spec)
                    .replacing("image: busybox", with: "image: example.org/tests/users:v1")
                return try node.runToEnd(name, manifest)
            }
            try expectEqual(try run("merge", "Merge"), "1000 2000 3000\n", "id with Merge")
            try expectEqual(try run("strict", "Strict"), "1000 3000\n", "id with Strict")
        },
        Test("volumes are the fsGroup's to write, also what others make in them, and a hostPath stays the host's") {
            node in
            let host = "\(node.root)/owned"
            try Files.makeDirectories(host)
            let data =
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: data}\ndata: {key: text}\n---\n"
                + "apiVersion: v1\nkind: Secret\nmetadata: {name: hidden}\nstringData: {key: text}\n---\n"
            let volumes =
                "volumes: [{name: d, emptyDir: {}}, {name: m, emptyDir: {medium: Memory}}, "
                + "{name: c, configMap: {name: data, defaultMode: 0400}}, "
                + "{name: s, secret: {secretName: hidden, items: [{key: key, path: a/key, mode: 0600}]}}, "
                + "{name: h, hostPath: {path: \(host)}}]\n"
            let mounts =
                "volumeMounts: [{name: d, mountPath: /d}, {name: m, mountPath: /m}, {name: c, mountPath: /c}, "
                + "{name: s, mountPath: /s}, {name: h, mountPath: /h}, {name: d, mountPath: /p, subPath: made}]"
            let script = """
                umask 077; touch /d/f /m/f /p/f; mkdir /d/g
                stat -L -c '%n %g %a' /d /d/f /d/g /m /m/f /c/key /s/a /s/a/key /p /p/f /h
                cat /c/key /s/a/key; echo
                """
            let spec =
                "restartPolicy: Never\nsecurityContext: {runAsUser: 4242, runAsGroup: 5000, fsGroup: 2000}\n" + volumes
                + "containers:\n" + shellContainer("main", script, mounts)
            try expectEqual(
                try node.runToEnd("owner", data + podManifest("owner", spec)),
                """
                /d 2000 2777
                /d/f 2000 600
                /d/g 2000 2700
                /m 2000 2777
                /m/f 2000 600
                /c/key 2000 440
                /s/a 2000 2755
                /s/a/key 2000 640
                /p 2000 2777
                /p/f 2000 600
                /h 0 755
                texttext

                """, "owners and modes")
        },
    ]
}
