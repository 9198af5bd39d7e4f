import Base
import JSON

/// A client that others wrote (Debian's python3-websocket, which Kubernetes' Python client uses too) asks for a process
/// or a port, says what it is told to, and prints as JSON what came: the bytes of each channel, and how it ended.
private enum WebSocketPeer {
    /// Arguments: the socket, the target, the subprotocol, and what to do: `CHANNEL=text`, `CHANNEL@count` bytes,
    /// `resize`, `end` of the input, `until=CHANNEL:text` to wait for, and `close`.
    static let program = #"""
        import json, socket, struct, sys, websocket
        path, target, protocol, steps = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
        raw = socket.socket(socket.AF_UNIX)
        raw.settimeout(60)
        raw.connect(path)
        try:
            ws = websocket.create_connection("ws://node" + target, socket=raw, subprotocols=[protocol])
        except websocket.WebSocketBadStatusException as error:
            print(json.dumps({"refused": error.status_code}))
            sys.exit(0)
        out, first, code = {}, None, None
        def receive():
            global first, code
            opcode, data = ws.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                code = struct.unpack("!H", data[:2])[0]
                return False
            if first is None: first = list(data)
            out[data[0]] = out.get(data[0], b"") + data[1:]
            return True
        for step in steps:
            if step == "resize": ws.send_binary(b"\x04" + json.dumps({"Width": 100, "Height": 50}).encode())
            elif step == "end": ws.send_binary(b"\xff\x00")
            elif step == "close": ws.close(1000, timeout=10)
            elif step.startswith("until="):
                channel, wanted = step[6:].split(":", 1)
                while wanted.encode() not in out.get(int(channel), b""): receive()
            elif "@" in step:
                channel, count = step.split("@")
                left = int(count)
                while left > 0:
                    part = min(left, 100000)
                    ws.send_binary(bytes([int(channel)]) + b"x" * part)
                    left -= part
            else:
                channel, text = step.split("=", 1)
                ws.send_binary(bytes([int(channel)]) + text.encode())
        while code is None and ws.connected and receive(): pass
        print(json.dumps({"channels": {str(k): v.decode("latin-1") for k, v in out.items()}, "first": first,
            "protocol": ws.getsubprotocol(), "code": code}))
        """#

    static func talk(_ node: Node, _ target: String, _ protocolName: String, _ steps: String...) throws -> JSONValue {
        let socket = "\(node.root)/run/swiftlet/swiftlet.sock"
        let result = try run(
            "/usr/bin/python3", ["-c", program, socket, target, protocolName] + steps,
            timeout: .seconds(60 * node.machine.scale))
        guard result.status == 0 else { throw Failure("python3: \(result.status): \(result.errors.suffix(1000))") }
        return try JSONParser.parse(Array(result.output.utf8))
    }
}

let webSocketSuite = Suite("websocket") {
    [
        Test("a foreign client runs a command with input, output, errors and exit code", needs: .webSocket) { node in
            try node.drop("ws.yaml", shellPod("ws", hold, restart: "Always"))
            try node.waitReady("ws")
            let pod = try node.fullName("ws")
            let script = "wc -c; echo wrong >&2; exit 5"
            let target = "/exec/default/\(pod)/main?command=sh&command=-c&command=\(encoded(script))"
            let all = target + "&input=1&output=1&error=1"
            let counted = try WebSocketPeer.talk(node, all, "v5.channel.k8s.io", "0@1000000", "end")
            try expectEqual(counted.string("protocol"), "v5.channel.k8s.io", "subprotocol")
            try expectEqual(counted.at("first")?.arrayValue, [1], "the first message")
            try expectEqual(counted.string("channels.1"), "1000000\n", "standard output")
            try expectEqual(counted.string("channels.2"), "wrong\n", "standard error")
            let status = try JSONParser.parse(Array((counted.string("channels.3") ?? "").utf8))
            try expectEqual(status.string("reason"), "NonZeroExitCode", "reason")
            try expectEqual(
                status.at("details.causes")?.arrayValue, [["reason": "ExitCode", "message": "5"]], "causes")
            try expectEqual(counted.at("code")?.integerValue, 1000, "how the connection was closed")
            // Without input, by the protocol before: it ends by itself.
            let quiet = try WebSocketPeer.talk(node, target + "&output=1", "v4.channel.k8s.io")
            try expectEqual(quiet.string("channels.1"), "0\n", "standard output")
            try expectEqual(quiet.string("channels.2"), nil, "standard error that nobody wants")
            let good = try WebSocketPeer.talk(
                node, "/exec/default/\(pod)/main?command=true&output=1", "v4.channel.k8s.io")
            try expectContains(good.string("channels.3") ?? "", "\"Success\"", "status")
            let missing = try WebSocketPeer.talk(
                node, "/exec/default/\(pod)/main?command=/no/such/program&output=1", "v4.channel.k8s.io")
            try expectContains(missing.string("channels.3") ?? "", "\"Failure\"", "status")
            let nowhere = try WebSocketPeer.talk(
                node, "/exec/default/nobody/main?command=true&output=1", "v4.channel.k8s.io")
            try expectEqual(nowhere.at("refused")?.integerValue, 404, "status of a pod that is not there")
        },
        Test("a foreign client's terminal has its size, and its going ends the process", needs: .webSocket) { node in
            try node.drop("tty.yaml", shellPod("tty", hold, restart: "Always"))
            try node.waitReady("tty")
            let pod = try node.fullName("tty")
            let script = "read x; stty size; exec sleep 4321"
            let answer = try WebSocketPeer.talk(
                node,
                "/exec/default/\(pod)/main?command=sh&command=-c&command=\(encoded(script))&input=1&output=1&tty=1",
                "v5.channel.k8s.io", "resize", "0=go\n", "until=1:50 100", "close")
            try expectContains(answer.string("channels.1") ?? "", "50 100", "what stty said")
            try node.eventually("the process ends with its client", seconds: 10) {
                try node.exec("tty", "ps | grep -c '[s]leep 4321'").output == "0\n"
            }
        },
        Test("a foreign client forwards two ports in one connection", needs: .webSocket) { node in
            let loop = "while true; do nc -l -p $p -e sh -c \"read x; echo $p-\\$x\"; done"
            let script = "for p in 70 71; do (\(loop)) & done; \(hold)"
            try node.drop("ports.yaml", shellPod("ports", script, restart: "Always"))
            try node.waitReady("ports")
            let pod = try node.fullName("ports")
            try node.eventually("the servers listen", seconds: 10) {
                try node.exec("ports", "netstat -ltn").output.contains(":71 ")
            }
            let answer = try WebSocketPeer.talk(
                node, "/portForward/default/\(pod)?port=70&port=71&port=72", "v4.channel.k8s.io", "2=b\n", "0=a\n")
            try expectEqual(answer.string("channels.0"), "F\u{0}70-a\n", "what came from port 70")
            try expectEqual(answer.string("channels.2"), "G\u{0}71-b\n", "what came from port 71")
            try expectEqual(answer.string("channels.3"), "G\u{0}", "what went wrong on port 71")
            try expectContains(answer.string("channels.5") ?? "", "72", "what went wrong on port 72")
            try expectEqual(answer.at("code")?.integerValue, 1000, "how the connection was closed")
        },
    ]
}

/// A value of a query.
private func encoded(_ text: String) -> String {
    text.utf8.map { byte in
        let hex = String(byte, radix: 16)
        return "%" + (hex.utf8.count == 1 ? "0" : "") + hex
    }.joined()
}
