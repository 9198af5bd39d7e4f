import Base
import CLinux
import JSON
import TestSupport

/// A server of pods and for their status, in this process's network namespace, that does what a test tells it to, right
/// or wrong. It reads how from files in its folder at each request, so that tests and server are in step.
final class EndpointServer {
    static let port = 18080
    let folder: String
    private var process: ServerProcess?

    /// `GET` answers with the file `body` as `mode` says, `POST` adds to `posts` as `post-mode` says.
    private static let program = #"""
        import os, socket, sys, threading, time
        folder, port = sys.argv[1], int(sys.argv[2])
        def text(name, default=""):
            try:
                with open(os.path.join(folder, name)) as f: return f.read()
            except FileNotFoundError: return default
        lock = threading.Lock()
        def note(name, line):
            with lock:
                with open(os.path.join(folder, name), "a") as f: f.write(line + "\n")
        def head(status, *fields):
            return ("HTTP/1.1 %s\r\n" % status + "".join(f + "\r\n" for f in fields) + "\r\n").encode()
        def get(c, fields):
            mode, body = text("mode", "ok").strip(), text("body").encode()
            tag = '"%x"' % (hash(body) & 0xffffffffffff)
            length = "Content-Length: %d" % len(body)
            if mode == "ok":
                if fields.get("if-none-match") == tag: c.sendall(head("304 Not Modified", "ETag: " + tag))
                else: c.sendall(head("200 OK", "ETag: " + tag, length) + body)
                return True
            if mode == "dribble":
                for i, b in enumerate(head("200 OK", length) + body):
                    c.sendall(bytes([b]))
                    if i % 50 == 0: time.sleep(0.01)
                return True
            if mode == "chunked":
                c.sendall(head("200 OK", "Transfer-Encoding: chunked"))
                for i in range(0, len(body), 7):
                    part = body[i:i + 7]
                    c.sendall(b"%x\r\n" % len(part) + part + b"\r\n")
                c.sendall(b"0\r\n\r\n")
                return True
            if mode == "cut": c.sendall(head("200 OK", length) + body[:len(body) // 2])
            elif mode == "short": c.sendall(head("200 OK", "Content-Length: %d" % (len(body) // 2)) + body)
            elif mode == "undelimited": c.sendall(head("200 OK", "Connection: close") + body[:len(body) // 2])
            elif mode == "cut-chunk": c.sendall(head("200 OK", "Transfer-Encoding: chunked") + b"ff\r\n" + body[:20])
            elif mode == "two-lengths": c.sendall(head("200 OK", length, "Content-Length: 2") + body)
            elif mode == "both": c.sendall(head("200 OK", length, "Transfer-Encoding: chunked") + b"0\r\n\r\n")
            elif mode == "empty": c.sendall(head("200 OK", "Content-Length: 0"))
            elif mode == "garbage": c.sendall(head("200 OK", "Content-Length: 9") + b"\x00\xff{[}garb")
            elif mode == "html": c.sendall(head("200 OK", "Content-Length: 15") + b"<html>up</html>")
            elif mode == "unasked-304": c.sendall(head("304 Not Modified")); return True
            elif mode == "redirect": c.sendall(head("302 Found", "Location: /elsewhere", "Content-Length: 0"))
            elif mode == "endless-body":
                c.sendall(head("200 OK", "Transfer-Encoding: chunked"))
                for _ in range(4000): c.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")
            elif mode == "endless-head":
                c.sendall(b"HTTP/1.1 200 OK\r\n")
                for i in range(100000): c.sendall(b"X-%d: y\r\n" % i)
            elif mode == "no-http": c.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
            elif mode == "hang": time.sleep(8)
            elif mode == "reset": c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            else: c.sendall(head(mode, "Content-Length: 0"))
            return False
        def post(c, body):
            mode = text("post-mode", "ok").strip()
            if mode == "ok":
                note("posts", body.decode().strip())
                c.sendall(head("204 No Content"))
                return True
            note("refused", mode)
            if mode == "drop": return False
            if mode == "hang": time.sleep(8); return False
            c.sendall(head(mode, "Content-Length: 0"))
            return True
        def serve(c):
            with c:
                data = b""
                try:
                    while True:
                        while b"\r\n\r\n" not in data:
                            more = c.recv(65536)
                            if not more: return
                            data += more
                        lines, _, data = data.partition(b"\r\n\r\n")
                        lines = lines.decode().split("\r\n")
                        fields = {k.strip().lower(): v.strip() for k, _, v in (l.partition(":") for l in lines[1:])}
                        while len(data) < int(fields.get("content-length", 0)):
                            more = c.recv(65536)
                            if not more: return
                            data += more
                        body, data = data[:int(fields.get("content-length", 0))], data[int(fields.get("content-length", 0)):]
                        note("requests", lines[0] + " | " + " | ".join("%s: %s" % f for f in fields.items()))
                        if not (post(c, body) if lines[0].startswith("POST") else get(c, fields)): return
                except OSError: pass
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))
        s.listen(64)
        while True:
            c, _ = s.accept()
            threading.Thread(target=serve, args=(c,), daemon=True).start()
        """#

    init() throws {
        folder = try scratchFolder()
        try Files.replace("\(folder)/server.py", with: Self.program.utf8, durable: false)
        try serve("[]")
        try start()
    }

    deinit {
        stop()
        try? Files.removeTree(folder)
    }

    var url: String { "http://127.0.0.1:\(Self.port)" }

    func start() throws {
        process = try ServerProcess(
            "/usr/bin/python3", ["\(folder)/server.py", folder, "\(Self.port)"], environment: ["PYTHONHASHSEED=0"],
            log: "\(folder)/log")
    }

    func stop() { process = nil }

    private func set(_ name: String, _ value: String) throws {
        try Files.replace("\(folder)/\(name)", with: value.utf8, durable: false)
    }

    /// What `GET` answers with.
    func serve(_ body: String) throws { try set("body", body) }
    /// The pods of these manifests as a list.
    func serve(pods: [String]) throws {
        let documents = pods.isEmpty ? "apiVersion: v1\nkind: PodList\nitems: []\n" : pods.joined(separator: "---\n")
        try serve(documents)
    }
    func setMode(_ mode: String) throws { try set("mode", mode) }
    func setPostMode(_ mode: String) throws { try set("post-mode", mode) }

    private func lines(_ name: String) -> [Substring] {
        ((try? text("\(folder)/\(name)")) ?? "").split(separator: "\n")
    }

    /// Request lines and fields, `GET / HTTP/1.1 | host: x`.
    var requests: [Substring] { lines("requests") }
    /// Number of statuses that were not taken.
    var refused: Int { lines("refused").count }

    /// The pods whose status was taken, in order.
    func posts() throws -> [JSONValue] { try lines("posts").map { try JSONParser.parse(Array($0.utf8)) } }
}
