import Base
import CLinux
import JSON

/// Debian's PostgreSQL, which looks closely at its folder, its shared memory and how it was ended the last time.
let postgresSuite = Suite("postgres", freshNode: true, images: ["busybox.tar", "postgres.tar"]) {
    [
        Test("PostgreSQL on a local volume keeps its data over every edit and kill, and ends cleanly by its hook") {
            node in
            try Files.makeDirectories("\(node.root)/disk")
            try node.drop("objects.yaml", objects("\(node.root)/disk"))
            var edit = Edit()
            try node.drop("db.yaml", pod(edit))
            let first = try ready(node)
            var rows = 0
            /// Writes a row and reads all that were written before.
            func check(_ what: String) throws {
                rows += 1
                try ask(node, "INSERT INTO kept VALUES (\(rows))")
                let found = try ask(node, "SELECT string_agg(n::text, ',' ORDER BY n) FROM kept")
                try expectEqual(found, (1...rows).map(String.init).joined(separator: ",") + "\n", what)
            }
            try ask(node, "CREATE TABLE kept (n int PRIMARY KEY)")
            try check("at first")
            try expectEqual(try ask(node, "SHOW work_mem"), "4MB\n", "a setting")
            let owner = try run("/usr/bin/stat", ["-c", "%u %g %a", "\(node.root)/disk"], timeout: .seconds(10))
            try expectEqual(owner.output, "0 998 2775\n", "owner and mode of the volume")
            let began = try sidecarBegan(first)
            let wrong = try node.swiftlet(
                "exec", "db", "-c", "db", "--", "/bin/sh", "-c",
                "PGPASSWORD=wrong psql -h 127.0.0.1 -U postgres -c 'SELECT 1'")
            try expectContains(wrong.errors, "password authentication failed", "with another password")

            // In place: the same instance, the same folder, an end that the hook made clean.
            edit.image = "postgres:next"
            try node.drop("db.yaml", pod(edit))
            try waitRestarts(node, 1)
            try expectShutDown(node, cleanly: true, "after an edit of the image")
            try check("after an edit of the image")
            let edited = try ready(node)
            try expectEqual(edited.string("metadata.uid"), first.string("metadata.uid"), "the instance")
            try expectEqual(try sidecarBegan(edited), began, "when the sidecar began")

            try killDatabase(node)
            try waitRestarts(node, 2)
            try expectShutDown(node, cleanly: false, "after its kill")
            try check("after its kill")

            edit.memory = "8MB"
            try node.drop("db.yaml", pod(edit))
            try node.wait("db", "is another instance, and ready", seconds: 60) {
                $0.string("metadata.uid") != first.string("metadata.uid") && $0.isReady
            }
            try expectShutDown(node, cleanly: true, "after an edit of its arguments")
            try check("after an edit of its arguments")
            try expectEqual(try ask(node, "SHOW work_mem"), "8MB\n", "a setting")

            // The agent dies, then both.
            let second = try ready(node)
            try node.kill()
            try node.start()
            try check("after the kill of the agent")
            try expectEqual(
                try ready(node).container("db")?.string("containerID"), second.container("db")?.string("containerID"),
                "the container after the kill of the agent")
            let victims = try node.processes("db", "db")
            try node.kill()
            guard let victim = victims.first, kill(victim, SIGKILL) == 0 else { throw Failure("no process") }
            try node.start()
            try waitRestarts(node, 1)
            try expectShutDown(node, cleanly: false, "after both were killed")
            try check("after both were killed")

            try node.remove("db.yaml")
            try node.waitGone("db")
            try expect(!Files.exists("\(node.root)/disk/pg/postmaster.pid"), "it did not end cleanly")
            try node.remove("objects.yaml")
        }
    ]
}

/// What an edit changes.
private struct Edit {
    var image = "postgres"
    var memory = "4MB"
}

@discardableResult
private func ready(_ node: Node) throws -> JSONValue { try node.wait("db", "ready", seconds: 60) { $0.isReady } }

private func waitRestarts(_ node: Node, _ count: Int64) throws {
    try node.wait("db", "its \(count). restart, ready", seconds: 60) {
        $0.container("db")?.integer("restartCount") == count && $0.isReady
    }
}

private func sidecarBegan(_ pod: JSONValue) throws -> String {
    guard let began = pod.container("watcher")?.string("state.running.startedAt") else {
        throw Failure("the sidecar does not run")
    }
    return began
}

private func killDatabase(_ node: Node) throws {
    guard let victim = try node.processes("db", "db").first, kill(victim, SIGKILL) == 0 else {
        throw Failure("the database has no process")
    }
}

/// How the database found what the one before it left.
private func expectShutDown(_ node: Node, cleanly: Bool, _ what: String) throws {
    let log = try node.logs("db", "db")
    try expectContains(log, cleanly ? "database system was shut down at" : "was not properly shut down", what)
    if cleanly { try expect(!log.contains("was not properly shut down"), "\(what): \(log)") }
}

/// What the database answers.
@discardableResult
private func ask(_ node: Node, _ query: String) throws -> String {
    try node.ok(
        "exec", "db", "-c", "db", "--", "/bin/sh", "-c",
        "PGPASSWORD=$PASSWORD psql -h 127.0.0.1 -U postgres -v ON_ERROR_STOP=1 -Atqc \"\(query)\"")
}

private func objects(_ disk: String) -> String {
    """
    apiVersion: v1
    kind: Secret
    metadata: {name: db}
    stringData: {password: "it is a secret"}
    ---
    apiVersion: v1
    kind: PersistentVolume
    metadata: {name: disk}
    spec:
      capacity: {storage: 1Gi}
      accessModes: [ReadWriteOnce]
      local: {path: \(disk)}
      nodeAffinity:
        required:
          nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [linux]}]}]
    ---
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: db}
    spec:
      accessModes: [ReadWriteOnce]
      resources: {requests: {storage: 500Mi}}

    """
}

/// The folder of a database must be its owner's alone: with fsGroup that takes `OnRootMismatch`, as everywhere. Nothing
/// waits for the disk: processes die here, and not the machine.
private func pod(_ edit: Edit) -> String {
    """
    apiVersion: v1
    kind: Pod
    metadata: {name: db}
    spec:
      terminationGracePeriodSeconds: 30
      securityContext:
        runAsUser: 998
        runAsGroup: 998
        runAsNonRoot: true
        fsGroup: 998
        fsGroupChangePolicy: OnRootMismatch
      initContainers:
      - name: watcher
        image: busybox
        imagePullPolicy: IfNotPresent
        restartPolicy: Always
        command: [/bin/sh, -c, "touch /ready/yes; trap 'exit 0' TERM; while true; do sleep 3600 & wait $!; done"]
        startupProbe: {periodSeconds: 1, exec: {command: [test, -e, /ready/yes]}}
        volumeMounts: [{name: ready, mountPath: /ready}]
      - name: init
        image: postgres
        imagePullPolicy: IfNotPresent
        command: [/bin/sh, -c, "test -e /ready/yes || exit 9; test -s /data/pg/PG_VERSION ||
          initdb -D /data/pg -U postgres -A scram-sha-256 --pwfile /secret/password -E UTF8 --locale C.UTF-8 --no-sync"]
        volumeMounts:
        - {name: data, mountPath: /data}
        - {name: ready, mountPath: /ready}
        - {name: secret, mountPath: /secret, readOnly: true}
      containers:
      - name: db
        image: \(edit.image)
        imagePullPolicy: IfNotPresent
        command: [postgres, -D, /data/pg, -c, "listen_addresses=*", -c, fsync=off, -c, work_mem=\(edit.memory)]
        env:
        - name: PASSWORD
          valueFrom: {secretKeyRef: {name: db, key: password}}
        ports: [{name: sql, containerPort: 5432}]
        startupProbe: {periodSeconds: 1, failureThreshold: 60, exec: {command: [pg_isready, -q, -h, 127.0.0.1]}}
        readinessProbe: {periodSeconds: 1, tcpSocket: {port: sql}}
        lifecycle: {preStop: {exec: {command: [pg_ctl, stop, -D, /data/pg, -m, fast]}}}
        volumeMounts: [{name: data, mountPath: /data}]
      volumes:
      - {name: data, persistentVolumeClaim: {claimName: db}}
      - {name: ready, emptyDir: {}}
      - {name: secret, secret: {secretName: db, defaultMode: 0440}}

    """
}
