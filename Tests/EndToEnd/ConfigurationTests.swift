import Base
import CLinux
import JSON
import TestSupport

/// The manifest of a ConfigMap or Secret (with plain values).
private func object(_ kind: String, _ name: String, _ values: String, more: String = "") -> String {
    let field = kind == "Secret" ? "stringData" : "data"
    return "apiVersion: v1\nkind: \(kind)\nmetadata: {name: \(name)}\n\(more)\n\(field): {\(values)}\n"
}

let configurationSuite = Suite("configuration", isOfKernel: true) {
    [
        Test("variables come from ConfigMaps and Secrets, in Kubernetes' order") { node in
            try node.drop("m.yaml", object("ConfigMap", "m", "color: red, size: \"7\""))
            try node.drop("s.yaml", object("Secret", "s", "color: blue, password: hunter2"))
            let text = try node.runToEnd(
                "env",
                shellPod(
                    "env", "echo $color $size $P_color $MINE $ONE ${#TWO} ${NONE-unset}",
                    container: """
                        envFrom: [{configMapRef: {name: m}}, {secretRef: {name: s}}, {prefix: P_, configMapRef: {name: m}}]
                        env:
                        - {name: MINE, value: "<$(color)>"}
                        - {name: ONE, valueFrom: {configMapKeyRef: {name: m, key: color}}}
                        - {name: TWO, valueFrom: {secretKeyRef: {name: s, key: password}}}
                        - {name: NONE, valueFrom: {secretKeyRef: {name: none, key: k, optional: true}}}
                        """))
            try expectEqual(text, "blue 7 red <blue> red 7 unset\n", "the variables")
            try expect(!node.agentLog().contains("hunter2"), "the agent's log has the password")
            try expectEqual(try filesWith("hunter2", below: node.root), ["\(node.podspecs)/s.yaml"], "files with it")
        },
        Test("a container waits for its ConfigMap with the kubelet's words, and starts as soon as it comes") { node in
            let env = "env: [{name: A, valueFrom: {configMapKeyRef: {name: late, key: k}}}]"
            try node.drop("waiter.yaml", shellPod("waiter", "echo got $A", container: env))
            func waits(_ message: String) throws {
                try node.wait("waiter", message, seconds: 10) {
                    $0.container()?.string("state.waiting.reason") == "CreateContainerConfigError"
                        && $0.container()?.string("state.waiting.message") == message
                }
            }
            try waits("configmap \"late\" not found")
            try node.drop("late.yaml", object("ConfigMap", "late", "other: x"))
            try waits("couldn't find key k in ConfigMap default/late")
            let began = BootInstant.now
            try node.drop("late.yaml", object("ConfigMap", "late", "k: value"))
            try node.waitPhase("waiter", "Succeeded", seconds: 8)
            try expect(BootInstant.now - began < .seconds(8 * node.machine.scale), "it was only retried by a timer")
            try expectEqual(try node.logs("waiter"), "got value\n", "log")
        },
        Test("a pod waits for the Secret of its volume with the kubelet's words, and runs as soon as it comes") {
            node in
            let pod = shellPod(
                "needs", "cat /s/key", container: "volumeMounts: [{name: v, mountPath: /s}]",
                spec: "volumes: [{name: v, secret: {secretName: later}}]")
            try node.drop("needs.yaml", pod)
            let words = "MountVolume.SetUp failed for volume \"v\" : secret \"later\" not found"
            try node.eventually("event FailedMount", seconds: 10) {
                try node.events("needs").contains {
                    $0.string("reason") == "FailedMount" && $0.string("message") == words
                }
            }
            try node.drop("later.yaml", object("Secret", "later", "key: inside"))
            try node.waitPhase("needs", "Succeeded", seconds: 8)
            try expectEqual(try node.logs("needs"), "inside\n", "log")
        },
        Test("files of all four kinds of volumes have their places, modes and owners, and cannot be written") { node in
            try node.drop("m.yaml", object("ConfigMap", "m", "a: one, b: two"))
            try node.drop("s.yaml", object("Secret", "s", "key: hidden"))
            let script = """
                cat /m/a /m/b; echo; cat /i/deep/x; echo; cat /s/key; echo; cat /d/labels; echo; cat /d/cpu; echo
                cat /p/a /p/key /p/name; echo; stat -L -c '%a %u' /s/key /i/deep/x /m/a
                for f in /m/new /s/key /d/labels /p/..data; do echo x 2>/dev/null > $f && echo WROTE $f; done
                grep -c ' /[msdpi] tmpfs ro' /proc/mounts
                """
            let mounts = ["m", "i", "s", "d", "p"].map { "{name: \($0), mountPath: /\($0)}" }.joined(separator: ", ")
            let text = try node.runToEnd(
                "files",
                shellPod(
                    "files", script,
                    container: "volumeMounts: [\(mounts)]\nresources: {limits: {cpu: 250m}}",
                    spec: """
                        volumes:
                        - {name: m, configMap: {name: m}}
                        - {name: i, configMap: {name: m, items: [{key: b, path: deep/x, mode: 0440}]}}
                        - {name: s, secret: {secretName: s, defaultMode: 0400}}
                        - name: d
                          downwardAPI:
                            items:
                            - {path: labels, fieldRef: {fieldPath: metadata.labels}}
                            - {path: cpu, resourceFieldRef: {containerName: main, resource: limits.cpu, divisor: 1m}}
                        - name: p
                          projected:
                            sources:
                            - configMap: {name: m, items: [{key: a, path: a}]}
                            - secret: {name: s}
                            - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
                            - configMap: {name: none, optional: true}
                        """
                ).replacing("metadata:\n", with: "metadata:\n  labels: {app: web, tier: \"1\"}\n"))
            let lines = [
                "onetwo", "two", "hidden", "app=\"web\"", "tier=\"1\"", "250", "onehiddenfiles", "400 0", "440 0",
                "644 0",
                "5",
            ]
            try expectEqual(text, lines.joined(separator: "\n") + "\n", "log")
        },
        Test("a change reaches running pods within 50 ms and all at once, but not through subPath") { node in
            try node.drop("live.yaml", object("Secret", "live", "a: \"0\", b: \"0\""))
            let mounts = "volumeMounts: [{name: v, mountPath: /v}, {name: v, mountPath: /one, subPath: a}]"
            // Both of one version: what was read of it may be gone by then, and never be of two.
            let script = """
                while true; do
                    cd /v/..data; a=$(cat a 2>/dev/null); b=$(cat b 2>/dev/null); cd /
                    [ -z "$a" ] || [ -z "$b" ] || [ "$a" = "$b" ] || echo TORN $a $b
                    sleep 0.01
                done
                """
            try node.drop(
                "reader.yaml",
                shellPod(
                    "reader", script, container: mounts, spec: "volumes: [{name: v, secret: {secretName: live}}]",
                    restart: "Always"))
            let uid = try node.waitReady("reader").string("metadata.uid") ?? ""
            let file = "\(node.root)/var/lib/swiftlet/pods/\(uid)/volumes/kubernetes.io~secret/v/a"
            var times: [Int64] = []
            for n in 1...20 {
                let began = BootInstant.now
                try node.drop("live.yaml", object("Secret", "live", "a: \"\(n)\", b: \"\(n)\""))
                while try text(file) != "\(n)" {
                    if BootInstant.now - began > .seconds(5 * node.machine.scale) {
                        throw Failure("\(n) does not come")
                    }
                }
                times.append((BootInstant.now - began).count / 1_000_000)
            }
            let middle = times.sorted()[times.count / 2]
            try expect(middle <= 50 * Int64(node.machine.scale), "half took longer than \(middle) ms: \(times)")
            try expectEqual(try node.exec("reader", "cat /v/a /one").output, "200", "the volume, and its part")
            try expectEqual(try node.logs("reader"), "", "what the reader saw")
            // What is removed stays with those who have it, and is said.
            try node.remove("live.yaml")
            try node.eventually("event FailedMount", seconds: 10) {
                try node.eventReasons("reader").contains("FailedMount")
            }
            try expectEqual(try node.exec("reader", "cat /v/a").output, "20", "after the Secret is gone")
        },
        Test("volumes with Secrets outlive a killed agent and leave nothing") { node in
            try node.drop("kept.yaml", object("Secret", "kept", "key: hunter2"))
            try node.drop(
                "holder.yaml",
                shellPod(
                    "holder", hold, container: "volumeMounts: [{name: v, mountPath: /v}]",
                    spec: "volumes: [{name: v, projected: {sources: [{secret: {name: kept}}]}}]", restart: "Always"))
            let uid = try node.waitReady("holder").string("metadata.uid") ?? ""
            try node.kill()
            try expectEqual(
                try run("/bin/grep", ["-c", "\(uid)/volumes", "/proc/self/mounts"], timeout: .seconds(5)).output, "1\n",
                "mounts of volumes")
            // Changed while nobody looks.
            try node.drop("kept.yaml", object("Secret", "kept", "key: hunter3"))
            try node.start()
            let after = try node.waitReady("holder")
            try expectEqual(after.string("metadata.uid") ?? "", uid, "uid")
            try expectEqual(after.container()?.at("restartCount")?.integerValue ?? -1, 0, "restarts")
            try node.eventually("the change arrives", seconds: 5) {
                try node.exec("holder", "cat /v/key").output == "hunter3"
            }
            try node.remove("holder.yaml")
            try node.kill()
            try node.start()
            try node.waitGone("holder")
            try expect(!LeakCount.mentions(of: node.root).contains { $0.contains(uid) }, "something of it is left")
            let found = try filesWith("hunter", below: node.root)
            try expectEqual(found, ["\(node.podspecs)/kept.yaml"], "files with the secret")
        },
        Test("a typo in a ConfigMap changes nothing and is told; get, describe and the API show no Secret") { node in
            try node.drop("m.yaml", object("ConfigMap", "m", "a: one"))
            try node.drop("s.yaml", object("Secret", "s", "key: hunter2"))
            try node.eventually("both are there", seconds: 5) {
                try node.ok("get", "configmaps", "-o", "name") == "configmap/m\n"
                    && node.ok("get", "secrets").contains("Opaque")
            }
            try node.drop("m.yaml", object("ConfigMap", "m", "a: [one]"))
            try node.eventually("it is told", seconds: 5) {
                let shown = try node.swiftlet("get", "pods")
                return (shown.output + shown.errors).contains("m.yaml:5:11: data[a]: expected a string, found a list")
            }
            try expectEqual(try node.ok("get", "cm", "m", "-o", "jsonpath={.data.a}"), "one", "what holds")
            for format in ["yaml", "json"] {
                let shown = try node.ok("get", "secret", "s", "-o", format)
                try expectContains(shown, "7 bytes", format)
                try expect(!shown.contains("hunter2") && !shown.contains("aHVudGVyMg"), shown)
            }
        },
        Test("a private image is pulled with the pod's Secret, also when it comes late", needs: .registry) { node in
            let folder = try TemporaryDirectory()
            // What `htpasswd -B` makes of the password.
            let users = try folder.write("users", "me:$2y$05$abcdefghijklmnopqrstuuoXuKqgZXLiJqzfmMXDDhSFPIvxV7t8.\n")
            let registry = try RegistryProcess(
                folder: folder, settings: "auth: {htpasswd: {realm: test, path: \(users)}}")
            try registry.push(
                "\(node.machine.images)/busybox.tar", as: "team/private:1", options: ["--dest-creds", "me:hunter2"])
            let image = registry.name("team/private:1")
            let pod = shellPod(
                "private", hold, spec: "imagePullSecrets: [{name: absent}, {name: cred}]", restart: "Always"
            ).replacing("image: busybox", with: "image: \(image)")
            try node.drop("private.yaml", pod)
            try node.wait("private", "ErrImagePull", seconds: 20) {
                ($0.container()?.string("state.waiting.reason") ?? "").contains("ImagePull")
            }
            let words =
                "Unable to retrieve some image pull secrets (absent, cred); attempting to pull the image may not succeed."
            try expect(
                try node.events("private").contains {
                    $0.string("reason") == "FailedToRetrieveImagePullSecret" && $0.string("message") == words
                }, "no event")
            let document = "{\"auths\":{\"127.0.0.1:\(registry.port)\":{\"username\":\"me\",\"password\":\"hunter2\"}}}"
            try node.drop(
                "cred.yaml",
                "apiVersion: v1\nkind: Secret\nmetadata: {name: cred}\ntype: kubernetes.io/dockerconfigjson\n"
                    + "stringData:\n  .dockerconfigjson: '\(document)'\n")
            try node.waitReady("private", seconds: 8)
            try expect(!node.agentLog().contains("hunter2"), "the agent's log has the password")
        },
    ]
}

/// The files below a folder, without the registry's, in which a text stands.
private func filesWith(_ word: String, below folder: String) throws -> [String] {
    let found = try run("/bin/grep", ["-rlsI", "--", word, folder], timeout: .seconds(60)).output
    return found.split(separator: "\n").map(String.init).filter { !$0.contains("/images/") }.sorted()
}
