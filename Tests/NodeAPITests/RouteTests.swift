import Base
import CLinux
import HTTP
import JSON
import NodeAPITestSupport
import PodProtocol
import TestSupport
import Testing

@testable import NodeAPI

@Suite struct RouteTests {
    @Test func podsAreListedAndFound() throws {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Running")
        harness.node.setPod("b", phase: "Pending")
        let list = try JSONParser.parse(try harness.get("/pods").body)
        #expect(list["kind"] == "PodList" && list["items"]?.arrayValue?.count == 2)
        #expect(try harness.get("/swiftlet/v1/pods?namespace=other").text.contains("\"items\":[]"))
        let pod = try JSONParser.parse(try harness.get("/swiftlet/v1/pods/default/a").body)
        #expect(pod["status"]?["phase"] == "Running")
        let missing = try harness.get("/swiftlet/v1/pods/default/c")
        #expect(missing.status == 404 && missing.text.contains("\"c\" not found"))
    }

    @Test func pullsOfPodsAreTold() throws {
        let harness = try Harness()
        harness.node.pullList = [
            PodPull(
                namespace: "default", pod: "a", container: "main", image: "app",
                progress: ImageProgress(.downloading, layers: 2, bytesDone: 5, bytes: 10), seconds: 7)
        ]
        let pull = try #require(
            try JSONParser.parse(try harness.get("/swiftlet/v1/pulls").body)["items"]?.arrayValue?.first)
        #expect(pull["pod"] == "a" && pull["image"] == "app" && pull["phase"] == "downloading")
        #expect(pull["bytesDone"] == 5 && pull["bytes"] == 10 && pull["seconds"] == 7)
    }

    @Test func aPullEndsWhenTheClientThatFollowsItGoes() throws {
        let harness = try Harness()
        let client = try harness.client()
        client.send("POST /swiftlet/v1/images/pull?reference=endless&progress=true HTTP/1.1\r\nHost: x\r\n\r\n")
        try harness.turn {
            client.receive()
            return client.text.contains("200 OK")
        }
        #expect(harness.node.cancelledPulls == 0)
        _ = shutdown(client.socket.raw, Int32(SHUT_RDWR))
        try harness.turn { harness.node.cancelledPulls == 1 && harness.server.connectionCount == 0 }
    }

    @Test func aWatchTellsWhatIsThereAndThenEveryChange() throws {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Pending")
        let client = try harness.client()
        client.send("GET /swiftlet/v1/pods?watch=true HTTP/1.1\r\nHost: x\r\n\r\n")
        try harness.turn {
            client.receive()
            return client.text.contains("ADDED")
        }
        harness.node.setPod("a", phase: "Running")
        harness.node.removePod("a")
        try harness.turn {
            client.receive()
            return client.text.contains("DELETED")
        }
        #expect(client.text.contains("MODIFIED"))
        #expect(harness.node.watcherCount == 1)
        _ = shutdown(client.socket.raw, Int32(SHUT_RDWR))
        try harness.turn { harness.node.watcherCount == 0 && harness.server.connectionCount == 0 }
    }

    @Test func aBookmarkEndsWhatWasThereWhenItIsAskedFor() throws {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Pending")
        let client = try harness.client()
        client.send("GET /swiftlet/v1/pods?watch=true&sendInitialEvents=true HTTP/1.1\r\nHost: x\r\n\r\n")
        try harness.turn {
            client.receive()
            return client.text.contains("initial-events-end")
        }
        harness.node.setPod("b", phase: "Pending")
        try harness.turn {
            client.receive()
            return client.text.contains("\"b\"")
        }
        let order = ["\"a\"", "BOOKMARK", "\"b\""].compactMap { client.text.firstRange(of: $0)?.lowerBound }
        #expect(order.count == 3 && order == order.sorted())
    }

    @Test func containersAreStoppedStartedAndRestarted() throws {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Running")
        func post(_ target: String) throws -> Response {
            try harness.exchange(
                "POST /swiftlet/v1/pods/default/\(target) HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        }
        #expect(try post("a/stop").status == 200)
        #expect(try post("a/restart?container=c&gracePeriodSeconds=3").status == 200)
        #expect(harness.node.controls == ["stop default/a all own", "restart default/a c 3"])
        #expect(try post("b/start").status == 404)
        #expect(try post("a/start?gracePeriodSeconds=x").status == 400)
        #expect(try post("a/jump").status == 404)
        #expect(try harness.get("/swiftlet/v1/pods/default/a/stop").status == 405)
    }

    @Test func aRunningPodIsGivenContainersByItsSubresource() throws {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Running")
        func send(_ method: String, _ target: String, _ body: String, type: String? = nil) throws -> Response {
            let header = type.map { "Content-Type: \($0)\r\n" } ?? ""
            return try harness.exchange(
                "\(method) /swiftlet/v1/pods/default/\(target)/ephemeralcontainers HTTP/1.1\r\nHost: x\r\n\(header)"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
        let body = #"{"spec":{"ephemeralContainers":[{"name":"e","image":"i"}]}}"#
        let patch = "application/strategic-merge-patch+json"
        #expect(try send("PATCH", "a", body, type: patch).text.contains(#""name":"a""#))
        #expect(try send("PATCH", "a", body, type: "application/merge-patch+json; charset=utf-8").status == 200)
        #expect(try send("PATCH", "a", "{}", type: "application/merge-patch+json").status == 200)
        #expect(try send("PUT", "a", body).status == 200)
        let (whole, strategic) = ("ephemeralContainers default/a whole", "ephemeralContainers default/a strategic")
        #expect(harness.node.controls == [strategic, whole, strategic, whole])
        #expect(harness.node.given.count == 3)
        #expect(try send("PATCH", "a", body, type: "application/json-patch+json").status == 415)
        #expect(try send("PATCH", "nobody", body).status == 404)
        #expect(try send("PATCH", "a", "{").status == 400)
        #expect(try send("PATCH", "a", #"{"spec":{"ephemeralContainers":[{"name":"bad"}]}}"#).status == 422)
        #expect(try send("DELETE", "a", "").status == 405)
        #expect(try harness.get("/swiftlet/v1/pods/default/a/ephemeralcontainers").status == 200)
        #expect(try harness.get("/swiftlet/v1/pods/default/b/ephemeralcontainers").status == 404)
    }

    @Test func othersSetConditionsByTheStatusOfAPod() throws {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Running")
        func send(_ method: String, _ body: String, type: String) throws -> Int {
            try harness.exchange(
                "\(method) /swiftlet/v1/pods/default/a/status HTTP/1.1\r\nHost: x\r\nContent-Type: \(type)\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            ).status
        }
        let body = #"{"status":{"conditions":[{"type":"x.example/up","status":"True"}]}}"#
        #expect(try send("PATCH", body, type: "application/strategic-merge-patch+json") == 200)
        #expect(try send("PATCH", body, type: "application/merge-patch+json") == 200)
        #expect(try send("PUT", body, type: "application/json") == 200)
        #expect(try send("POST", body, type: "application/json") == 405)
        #expect(
            harness.node.controls == ["status default/a strategic", "status default/a whole", "status default/a whole"])
        #expect(harness.node.given.count == 3)
        #expect(try harness.get("/swiftlet/v1/pods/default/a/status").text.contains(#""name":"a""#))
    }

    @Test func aWatcherThatDoesNotReadIsEndedAndTold() throws {
        let harness = try Harness()
        let client = try harness.client()
        client.send("GET /swiftlet/v1/events?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        try harness.turn { harness.node.watcherCount == 1 }
        let reason = String(repeating: "r", count: 100_000)
        for _ in 0..<120 { harness.node.addEvent(reason) }
        #expect(harness.node.watcherCount == 0)
        try harness.turn {
            client.receive()
            return client.text.hasSuffix("0\r\n\r\n")
        }
        #expect(client.text.contains("\"reason\":\"Expired\""))
    }

    @Test func anImageIsShownInFullAndUnusedOnesArePruned() throws {
        let harness = try Harness()
        harness.node.imageList = [ImageSummary(names: ["b:1"], digest: "sha256:1", id: "sha256:2", size: 3)]
        let shown = try JSONParser.parse(try harness.get("/swiftlet/v1/images/inspect?reference=b:1").body)
        #expect(shown["id"] == "sha256:2" && shown["config"]?["config"]?["User"] == "me" && shown["ownSize"] == 1)
        #expect(shown["layers"]?.arrayValue?.first?["size"] == 3)
        #expect(try harness.get("/swiftlet/v1/images/inspect?reference=c").status == 404)
        #expect(try harness.get("/swiftlet/v1/images/inspect").status == 400)
        #expect(try harness.get("/swiftlet/v1/images/usage").text.contains("\"reclaimableBytes\":1000000"))
        let prune = "POST /swiftlet/v1/images/prune?all=true&olderThanSeconds=60 HTTP/1.1\r\nHost: x\r\n\r\n"
        #expect(try harness.exchange(prune).text.contains("\"freedBytes\":1500"))
        #expect(harness.node.controls == ["prune all=true age=1m0s dry=false"])
    }

    @Test func aClientThatAsksIsToldHowFarALoadingIs() throws {
        let harness = try Harness()
        let archive = try harness.folder.write("i.tar", "archive")
        let bad = try harness.folder.write("bad.tar", "bad")
        func load(_ path: String) throws -> [JSONValue] {
            let target = RequestTarget(
                path: ["swiftlet", "v1", "images", "load"], query: [.init("path", path), .init("progress", "true")])
            let answer = try harness.exchange("POST \(target.text) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(answer.status == 200)
            return try answer.text.split(separator: "\n").map { try JSONParser.parse(Array($0.utf8)) }
        }
        let lines = try load(archive)
        #expect(lines.map { $0["type"]?.stringValue } == ["PROGRESS", "DONE"])
        #expect(lines[0]["progress"]?["layers"] == 3 && lines[1]["items"]?.arrayValue?.count == 1)
        #expect(try load(bad).last?["message"]?.stringValue?.contains("no archive") == true)
    }

    @Test func imagesAreListedRemovedAndLoaded() throws {
        let harness = try Harness()
        harness.node.imageList = [
            ImageSummary(names: ["docker.io/library/b:1"], digest: "sha256:1", id: "sha256:2", size: 5)
        ]
        #expect(try harness.get("/swiftlet/v1/images").text.contains("docker.io/library/b:1"))
        #expect(
            try harness.exchange("DELETE /swiftlet/v1/images?reference=b HTTP/1.1\r\nHost: x\r\n\r\n").status == 200)
        #expect(
            try harness.exchange("DELETE /swiftlet/v1/images?reference=gone HTTP/1.1\r\nHost: x\r\n\r\n").status == 404)
        #expect(try harness.exchange("DELETE /swiftlet/v1/images HTTP/1.1\r\nHost: x\r\n\r\n").status == 400)

        let archive = try harness.folder.write("i.tar", "archive")
        let target = RequestTarget(
            path: ["swiftlet", "v1", "images", "load"], query: [.init("path", archive), .init("name", "i")])
        #expect(try harness.exchange("POST \(target.text) HTTP/1.1\r\nHost: x\r\n\r\n").status == 200)
        #expect(harness.node.loaded.last?.bytes == Array("archive".utf8))
        let relative = "POST /swiftlet/v1/images/load?path=i.tar HTTP/1.1\r\nHost: x\r\n\r\n"
        #expect(try harness.exchange(relative).status == 400)
    }

    @Test func anArchiveCanBeSentAsTheBody() throws {
        let harness = try Harness()
        let archive = (0..<3_500_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let client = try harness.client()
        client.send(
            "POST /swiftlet/v1/images/load?name=x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                + "Content-Length: \(archive.count)\r\n\r\n")
        var sent = 0
        var response: Response?
        try harness.turn {
            client.receive()
            if client.text.hasPrefix("HTTP/1.1 100 Continue\r\n\r\n"), sent < archive.count {
                sent += max(0, client.send(Array(archive[sent..<min(sent + 100_000, archive.count)])))
            }
            response = try client.nextResponse()
            return response != nil
        }
        #expect(response?.status == 200)
        #expect(harness.node.loaded.last?.bytes == archive)
        #expect(try Files.list(harness.folder.path) == ["s.sock"])
    }

    @Test func anUploadThatIsCutOffLeavesNothing() throws {
        let harness = try Harness()
        let client = try harness.client()
        client.send("POST /swiftlet/v1/images/load HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        try harness.turn { harness.server.connectionCount == 1 }
        client.halfClose()
        try harness.turn { harness.server.connectionCount == 0 }
        #expect(harness.node.loaded.isEmpty)
        #expect(try Files.list(harness.folder.path) == ["s.sock"])
        let empty = try harness.exchange(
            "POST /swiftlet/v1/images/load HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        #expect(empty.status == 400)
        let bad = try harness.exchange(
            "POST /swiftlet/v1/images/load HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nbad")
        #expect(bad.status == 400 && bad.text == "cannot load the archive that was sent: no archive\n")
    }

    @Test func statusProblemsAndDrainAreTold() throws {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Running")
        harness.node.problemList = [ManifestProblem(path: "/p.yaml", line: 3, column: 5, message: "unknown field")]
        let status = try JSONParser.parse(try harness.get("/swiftlet/v1/status").body)
        #expect(status["pods"]?["Running"] == 1 && status["problems"] == 1 && status["version"] == "1.2.3")
        #expect(try harness.get("/swiftlet/v1/problems").text.contains("\"column\":5"))
        let drain = try harness.exchange("POST /swiftlet/v1/drain HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(drain.text.split(separator: "\n").count == 2 && drain.text.contains("DONE"))
        #expect(harness.node.isDrained)
        let bad = try harness.exchange("POST /swiftlet/v1/drain?gracePeriodSeconds=-1 HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(bad.status == 400)
    }
}

@Suite struct ExecRouteTests {
    static let request =
        "POST /exec/default/a/c?command=sh&command=-c&command=echo+1&stdin=1&tty=true&rows=24&columns=80 HTTP/1.1\r\n"
        + "Host: x\r\nConnection: Upgrade\r\nUpgrade: swiftlet-exec.v1\r\n\r\n"

    func start(_ harness: Harness, then bytes: [UInt8] = []) throws -> Client {
        harness.node.setPod("a", phase: "Running")
        let client = try harness.client()
        client.send(Array(Self.request.utf8) + bytes)
        try harness.turn {
            client.receive()
            return client.text.hasPrefix("HTTP/1.1 101 ")
        }
        return client
    }

    func frames(_ client: Client) throws -> [Frame] {
        let end = try #require(client.bytes.firstRange(of: Array("\r\n\r\n".utf8)))
        var decoder = FrameDecoder()
        decoder.append(Array(client.bytes[end.upperBound...]))
        var frames: [Frame] = []
        while let frame = try decoder.next() { frames.append(frame) }
        return frames
    }

    @Test func inputOutputSizeAndExitCodeTravel() throws {
        let harness = try Harness()
        let client = try start(harness, then: Frame(.standardInput, Array("early".utf8)).bytes)
        let request = try #require(harness.node.session?.request)
        #expect(request.command == ["sh", "-c", "echo 1"] && request.tty && request.stdin)
        #expect(request.rows == 24 && request.columns == 80)
        client.send(Frame(.control, Array(#"{"type":"resize","rows":50,"columns":100}"#.utf8)).bytes)
        client.send(Frame(.control, Array(#"{"type":"of the future"}"#.utf8)).bytes)
        client.send(Frame(.standardInput, []).bytes)
        try harness.turn {
            client.receive()
            return client.isClosed
        }
        let all = try frames(client)
        #expect(all.first == Frame(.standardOutput, Array("early".utf8)))
        #expect(all.last == Frame(.control, Array(#"{"type":"exit","code":7}"#.utf8)))
        #expect(harness.node.session?.size.map { $0 == (50, 100) } == true)
        try harness.turn { harness.server.connectionCount == 0 }
    }

    @Test func aClientThatGoesEndsTheSession() throws {
        let harness = try Harness()
        let client = try start(harness)
        _ = shutdown(client.socket.raw, Int32(SHUT_RDWR))
        try harness.turn { harness.node.session?.isCancelled == true && harness.server.connectionCount == 0 }
    }

    @Test func garbageEndsTheSessionWithAMessage() throws {
        let harness = try Harness()
        let client = try start(harness, then: [0xFF, 0xFF, 0xFF, 0xFF, 0])
        try harness.turn {
            client.receive()
            return client.isClosed
        }
        #expect(client.text.contains("does not speak"))
        #expect(harness.node.session?.isCancelled == true)
    }

    @Test func whicheverSideIsTooFastIsHeldBack() throws {
        let harness = try Harness()
        let client = try start(harness)
        let session = try #require(harness.node.session)
        // The process writes faster than the client reads.
        for _ in 0..<32 { session.client.output(.standardError, [UInt8](repeating: 1, count: 100_000)) }
        try harness.turn { session.isPaused }
        try harness.turn {
            client.receive()
            return !session.isPaused
        }
        // The process does not take its input.
        session.refusesInput = true
        var sent = 0
        let frame = Frame(.standardInput, [UInt8](repeating: 2, count: 60_000)).bytes
        for _ in 0..<100 {
            sent += max(0, client.send(frame))
            try harness.loop.turn(wait: false)
        }
        #expect(session.received == 60_000)
        #expect(sent < 100 * frame.count)
    }

    @Test func anAttachTravelsInTheSameWay() throws {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Running")
        func attach(_ target: String) throws -> Client {
            let client = try harness.client()
            let head = "POST \(target) HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: swiftlet-exec.v1\r\n\r\n"
            client.send(Array(head.utf8))
            try harness.turn {
                client.receive()
                return client.text.hasPrefix("HTTP/1.1 101 ")
            }
            return client
        }
        let client = try attach("/attach/default/a/c?stdin=true&stdout=true&stderr=true&tty=true&rows=30&columns=90")
        #expect(
            harness.node.attached
                == [.init(namespace: "default", pod: "a", container: "c", stdin: true, rows: 30, columns: 90)])
        client.send(Frame(.standardInput, Array("hello".utf8)).bytes)
        try harness.turn {
            client.receive()
            return try frames(client).first == Frame(.standardOutput, Array("hello".utf8))
        }
        _ = shutdown(client.socket.raw, Int32(SHUT_RDWR))
        try harness.turn { harness.node.session?.isCancelled == true }
        // The kubelet's other name of the parameter; the pod's only container.
        _ = try attach("/attach/default/a?input=1")
        #expect(harness.node.attached.last == .init(namespace: "default", pod: "a", container: nil, stdin: true))
        #expect(try harness.get("/attach/default/a").status == 426)
        #expect(
            try harness.exchange(
                "POST /attach/default/a?stdin=x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                    + "Upgrade: swiftlet-exec.v1\r\n\r\n"
            ).status == 400)
    }

    @Test func withoutTheSwitchOfProtocolsOrThePodItIsRefused() throws {
        let harness = try Harness()
        let plain = try harness.get("/exec/default/a/c?command=sh")
        #expect(plain.status == 426 && plain.head.headers["Upgrade"] == "swiftlet-exec.v1, websocket")
        #expect(try harness.exchange(Self.request).status == 404)
        harness.node.setPod("a", phase: "Running")
        let empty = Self.request.replacing("command=sh&command=-c&command=echo+1&", with: "")
        #expect(try harness.exchange(empty).status == 400)
    }
}
