import Base
import CLinux
import JSON

/// Debian's redis as people run a database: with a claim, a secret, a sidecar, probes and a hook.
let databaseSuite = Suite(
    "database", freshNode: true, images: ["busybox.tar", "busybox-docker.tar", "redis.tar"], isOfKernel: true
) {
    [
        Test("a database with claim, secret, sidecar, probes and preStop keeps its data over every edit") { node in
            let disk = "\(node.root)/disk"
            try Files.makeDirectories(disk)
            guard chmod(disk, 0o777) == 0 else { throw SystemError("chmod", disk) }
            try node.drop("objects.yaml", objects(disk, password: "first"))
            var edit = Edit()
            try node.drop("redis.yaml", pod(edit))
            try node.waitReady("redis", seconds: 60)
            var keys = 0
            /// Writes a key and reads all that were written before.
            func check(_ what: String) throws {
                keys += 1
                try expectEqual(try ask(node, "SET key\(keys) value\(keys)"), "OK\n", "\(what): set")
                for n in 1...keys { try expectEqual(try ask(node, "GET key\(n)"), "value\(n)\n", "\(what): key \(n)") }
            }
            try check("at first")
            let first = try node.waitReady("redis")

            edit.label = "other"
            try node.drop("redis.yaml", pod(edit))
            try node.wait("redis", "has its label") { $0.string("metadata.labels.tier") == "other" }
            try check("after an edit of metadata")
            let labelled = try node.waitReady("redis")
            try expectEqual(
                labelled.container("redis")?.string("containerID"), first.container("redis")?.string("containerID"),
                "the container after an edit of metadata")

            edit.sidecarImage = "busybox:docker"
            try node.drop("redis.yaml", pod(edit))
            try node.wait("redis", "its sidecar runs anew") {
                $0.container("exporter")?.integer("restartCount") == 1
                    && $0.container("exporter")?.at("ready")?.boolValue == true
            }
            try check("after an edit of the sidecar's image")
            let sidecar = try node.waitReady("redis")
            try expectEqual(sidecar.string("metadata.uid"), first.string("metadata.uid"), "the instance")
            try expectEqual(
                sidecar.container("redis")?.string("containerID"), first.container("redis")?.string("containerID"),
                "the container beside the edited one")

            for save in ["60 1", "30 1"] {
                edit.save = save
                let before = try node.waitReady("redis").string("metadata.uid")
                try node.drop("redis.yaml", pod(edit))
                try node.wait("redis", "is another instance, and ready", seconds: 60) {
                    $0.string("metadata.uid") != before && $0.container("redis")?.at("ready")?.boolValue == true
                        && $0.container("exporter")?.at("ready")?.boolValue == true
                }
                try check("after an edit of its arguments")
            }

            // The database dies; an agent dies; both do.
            let pid = try node.processes("redis", "redis")
            guard let victim = pid.first, kill(victim, SIGKILL) == 0 else { throw Failure("redis has no process") }
            try node.wait("redis", "runs again", seconds: 60) {
                $0.container("redis")?.integer("restartCount") == 1
                    && $0.container("redis")?.at("ready")?.boolValue == true
            }
            try check("after the database was killed")
            try node.kill()
            try node.start()
            try check("after the agent was killed")

            try node.remove("redis.yaml")
            try node.waitGone("redis")
            // The hook has saved, with the right password, before the database was asked to end.
            try expect(Files.exists("\(disk)/saved"), "the preStop hook did not run")
            try expect(try Files.list(disk).contains("dump.rdb"), "nothing is left on the claim's volume")
            try node.remove("objects.yaml")
        }
    ]
}

/// What an edit changes.
private struct Edit {
    var label = "data"
    var sidecarImage = "busybox"
    var save = "90 1"
}

private func objects(_ disk: String, password: String) -> String {
    """
    apiVersion: v1
    kind: Secret
    metadata: {name: redis}
    stringData: {password: \(password)}
    ---
    apiVersion: v1
    kind: PersistentVolume
    metadata: {name: disk}
    spec:
      capacity: {storage: 1Gi}
      accessModes: [ReadWriteOnce]
      hostPath: {path: \(disk), type: Directory}
    ---
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: redis}
    spec:
      accessModes: [ReadWriteOnce]
      storageClassName: ""
      resources: {requests: {storage: 500Mi}}

    """
}

private func pod(_ edit: Edit) -> String {
    let ping = "redis-cli --no-auth-warning -a $PASSWORD ping | grep -q PONG"
    let save = "redis-cli --no-auth-warning -a $PASSWORD save && touch /data/saved"
    func shell(_ script: String) -> String {
        "{command: [/bin/sh, -c, \(JSONWriter().text(.string(script)))]}"
    }
    return """
        apiVersion: v1
        kind: Pod
        metadata: {name: redis, labels: {tier: \(edit.label)}}
        spec:
          terminationGracePeriodSeconds: 20
          securityContext: {runAsUser: 999, runAsGroup: 999, fsGroup: 999, runAsNonRoot: true}
          initContainers:
          - name: exporter
            image: \(edit.sidecarImage)
            imagePullPolicy: IfNotPresent
            restartPolicy: Always
            command: [/bin/sh, -c, "trap 'exit 0' TERM; while true; do sleep 3600 & wait $!; done"]
            startupProbe: {periodSeconds: 1, exec: {command: ["true"]}}
          containers:
          - name: redis
            image: redis
            imagePullPolicy: IfNotPresent
            command: [redis-server, --dir, /data, --appendonly, "yes", --appendfsync, always, --save, "\(edit.save)",
              --requirepass, $(PASSWORD)]
            env:
            - name: PASSWORD
              valueFrom: {secretKeyRef: {name: redis, key: password}}
            ports: [{name: redis, containerPort: 6379}]
            startupProbe: {periodSeconds: 1, failureThreshold: 60, tcpSocket: {port: redis}}
            readinessProbe: {periodSeconds: 2, timeoutSeconds: 5, exec: \(shell(ping))}
            livenessProbe: {periodSeconds: 5, timeoutSeconds: 5, tcpSocket: {port: redis}}
            lifecycle: {preStop: {exec: \(shell(save))}}
            volumeMounts: [{name: data, mountPath: /data}]
          volumes:
          - name: data
            persistentVolumeClaim: {claimName: redis}

        """
}

/// What redis answers.
private func ask(_ node: Node, _ command: String) throws -> String {
    try node.ok(
        "exec", "redis", "-c", "redis", "--", "/bin/sh", "-c", "redis-cli --no-auth-warning -a $PASSWORD \(command)")
}
