import Base
import CLinux
import JSON

private let port: UInt16 = 8080

/// Debian's nginx, configured and fed as people do it.
let webServerSuite = Suite("nginx", freshNode: true, images: ["busybox.tar", "nginx.tar"], isOfKernel: true) {
    [
        Test("nginx serves what volumes give it, sees a ConfigMap's change within 50 ms, and ends in peace") { node in
            try node.drop("configuration.yaml", configuration(greeting: "hello"))
            try node.drop("page.yaml", page("0"))
            try node.drop("web.yaml", pod)
            let first = try node.wait("web", "ready", seconds: 40) { $0.isReady }
            let address = first.string("status.podIP") ?? ""
            func get(_ path: String) throws -> String { try HTTPPeer.fetch(address, port, path: path) }
            try expectEqual(try get("/"), "made by the init container", "a page of an emptyDir")
            try expectContains(try get("/image/etc/passwd"), "root:x:0:0", "a file of an image volume")
            try expectEqual(try get("/greeting"), "hello", "what the folder of the configuration says")

            // A page of a ConfigMap, as nginx serves it.
            try expectEqual(try get("/live/page"), "0", "a page of a ConfigMap")
            var times: [Int64] = []
            for n in 1...15 {
                let began = BootInstant.now
                try node.drop("page.yaml", page("\(n)"))
                while try get("/live/page") != "\(n)" {
                    if BootInstant.now - began > .seconds(5 * node.machine.scale) {
                        throw Failure("\(n) does not come")
                    }
                }
                times.append((BootInstant.now - began).count / 1_000_000)
            }
            let middle = times.sorted()[times.count / 2]
            try expect(middle <= 50 * node.machine.scale, "half took longer than \(middle) ms: \(times)")

            // Its configuration: what changed in the folder is there, and taken when nginx is told.
            try node.drop("configuration.yaml", configuration(greeting: "hello again"))
            try node.eventually("the configuration's change arrives", seconds: 5) {
                try node.exec("web", "cat /sites/site.conf", container: "files").output.contains("hello again")
            }
            try expectEqual(try get("/greeting"), "hello", "before the reload")
            try node.ok("exec", "web", "-c", "nginx", "--", "/usr/sbin/nginx", "-s", "reload")
            try node.eventually("the reload", seconds: 10) { try get("/greeting") == "hello again" }

            // The page that is asked for goes and comes back.
            try expectEqual(try node.exec("web", "mv /pages/ready /pages/away", container: "files").status, 0, "mv")
            try node.waitCondition("web", "Ready", "False")
            try expectEqual(try get("/"), "made by the init container", "what is served meanwhile")
            try expectEqual(try node.exec("web", "mv /pages/away /pages/ready", container: "files").status, 0, "mv")
            let again = try node.waitCondition("web", "Ready", "True")
            try expectEqual(again.container("nginx")?.integer("restartCount"), 0, "restarts")
            try expectEqual(
                again.container("nginx")?.string("containerID"), first.container("nginx")?.string("containerID"),
                "the container")

            // By the hook, at a restart.
            try node.ok("restart", "web", "-c", "nginx")
            let restarted = try node.wait("web", "nginx runs again", seconds: 30) {
                $0.container("nginx")?.integer("restartCount") == 1 && $0.isReady
            }
            let exit = restarted.container("nginx")?.integer("lastState.terminated.exitCode")
            try expectEqual(exit, 0, "exit code")
            let log = try node.ok("logs", "web", "-c", "nginx", "--previous")
            try expectContains(log, "gracefully shutting down", "the log of the first run")

            // Who is being served is served to the end.
            let socket = try HTTPPeer.connect(address, port, seconds: 20)
            try socket.writeAll("GET /slow HTTP/1.0\r\n\r\n".utf8, name: "nginx")
            var byte = [UInt8](repeating: 0, count: 1)
            _ = try byte.withUnsafeMutableBytes { try socket.read(into: $0) }
            try node.remove("web.yaml")
            let rest = try socket.readAll(limit: 1 << 20, name: "nginx")
            try expect(rest.suffix(65_536).allSatisfy { $0 == 0x78 } && rest.count > 65_536, "got \(rest.count) bytes")
            try node.waitGone("web")
        }
    ]
}

private func configuration(greeting: String) -> String {
    """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: nginx}
    data:
      nginx.conf: |
        user www-data;
        worker_processes 1;
        error_log /dev/stderr notice;
        pid /run/nginx.pid;
        events { worker_connections 64; }
        http {
          access_log off;
          include /etc/nginx/sites/*.conf;
        }
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: sites}
    data:
      site.conf: |
        server {
          listen 8080;
          root /var/www/html;
          location /live/ { alias /var/www/live/; }
          location /image/ { alias /var/www/image/; }
          location /slow { limit_rate 32k; }
          location = /greeting { return 200 "\(greeting)"; }
        }

    """
}

private func page(_ text: String) -> String {
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: pages}\ndata: {page: \"\(text)\"}\n"
}

private let pod = """
    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      terminationGracePeriodSeconds: 20
      initContainers:
      - name: fill
        image: busybox
        imagePullPolicy: IfNotPresent
        command: [/bin/sh, -c, "cd /pages; echo 'made by the init container' > index.html; touch ready;
          head -c 65536 /dev/zero | tr '\\\\0' x > slow"]
        volumeMounts: [{name: pages, mountPath: /pages}]
      containers:
      - name: nginx
        image: nginx
        imagePullPolicy: IfNotPresent
        ports: [{name: web, containerPort: 8080}]
        startupProbe: {periodSeconds: 1, failureThreshold: 30, httpGet: {path: /greeting, port: web}}
        readinessProbe: {periodSeconds: 1, failureThreshold: 1, httpGet: {path: /ready, port: web}}
        livenessProbe: {periodSeconds: 1, timeoutSeconds: 5, httpGet: {path: /greeting, port: web}}
        lifecycle: {preStop: {exec: {command: [/usr/sbin/nginx, -s, quit]}}}
        volumeMounts:
        - {name: main, mountPath: /etc/nginx/nginx.conf, subPath: nginx.conf}
        - {name: sites, mountPath: /etc/nginx/sites}
        - {name: pages, mountPath: /var/www/html, readOnly: true}
        - {name: live, mountPath: /var/www/live}
        - {name: image, mountPath: /var/www/image}
      - name: files
        image: busybox
        imagePullPolicy: IfNotPresent
        command: [/bin/sh, -c, "trap 'exit 0' TERM; while true; do sleep 3600 & wait $!; done"]
        volumeMounts:
        - {name: pages, mountPath: /pages}
        - {name: sites, mountPath: /sites}
      volumes:
      - {name: main, configMap: {name: nginx}}
      - {name: sites, configMap: {name: sites}}
      - {name: live, configMap: {name: pages}}
      - {name: image, image: {reference: busybox, pullPolicy: IfNotPresent}}
      - {name: pages, emptyDir: {}}

    """
