import Base
import CLinux
import HTTP
import NodeAPITestSupport
import TestSupport
import Testing

@testable import NodeAPI

@Suite struct ServerTests {
    @Test func requestsAreAnsweredOneAfterTheOtherOnOneConnection() throws {
        let harness = try Harness()
        let client = try harness.client()
        client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /he")
        #expect(try harness.response(client).text == "ok\n")
        #expect(try harness.response(client).status == 404)
        client.send("althz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        let last = try harness.response(client)
        #expect(last.text == "ok\n" && last.head.headers["Connection"] == "close")
        try harness.turn {
            client.receive()
            return client.isClosed
        }
    }

    @Test func aClientThatClosesItsHalfGetsItsAnswers() throws {
        let harness = try Harness()
        harness.node.setPod(String(repeating: "p", count: 250_000), phase: "Running")
        let client = try harness.client()
        client.send("GET /pods HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        client.halfClose()
        #expect(try harness.response(client).body.count > 200_000)
        #expect(try harness.response(client).text == "ok\n")
        try harness.turn { harness.server.connectionCount == 0 }
    }

    @Test func aRequestThatComesByteByByteIsGivenUpInTime() throws {
        var limits = HTTPServer.Limits()
        limits.head = .milliseconds(50)
        let harness = try Harness(limits)
        let client = try harness.client()
        let bytes = Array("GET /healthz HTTP/1.1\r\nHost: x\r\n".utf8)
        var sent = 0
        try harness.turn {
            if sent < bytes.count, !client.isClosed { sent += max(0, client.send([bytes[sent]])) }
            client.receive()
            return client.bytes.count > 0
        }
        #expect(client.text.hasPrefix("HTTP/1.1 408 "))
        try harness.turn { harness.server.connectionCount == 0 }
    }

    @Test func aConnectionWithoutRequestsIsClosedInTime() throws {
        var limits = HTTPServer.Limits()
        limits.idle = .milliseconds(20)
        limits.head = .milliseconds(20)
        let harness = try Harness(limits)
        let silent = try harness.client()
        let client = try harness.client()
        client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        _ = try harness.response(client)
        try harness.turn {
            silent.receive()
            client.receive()
            return silent.isClosed && client.isClosed
        }
    }

    @Test func connectionsAreLimited() throws {
        var limits = HTTPServer.Limits()
        limits.connections = 3
        let harness = try Harness(limits)
        let clients = try (0..<4).map { _ in try harness.client() }
        #expect(try harness.response(clients[3]).status == 503)
        clients[0].send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try harness.response(clients[0]).status == 200)
    }

    @Test func badRequestsAreAnsweredAndTheConnectionIsClosed() throws {
        let harness = try Harness()
        for (text, status) in [
            ("hello\r\n\r\n", 400), ("GET / HTTP/2.0\r\n\r\n", 505),
            ("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n", 413),
            ("GET /" + String(repeating: "a", count: 70_000), 414),
        ] {
            let client = try harness.client()
            client.send(text)
            let response = try harness.response(client)
            #expect(response.status == status)
            #expect(response.head.headers["Connection"] == "close")
            try harness.turn {
                client.receive()
                return client.isClosed
            }
        }
        #expect(try harness.exchange("PUT /healthz HTTP/1.1\r\nHost: x\r\n\r\n").head.headers["Allow"] == "GET")
    }

    @Test func aClientThatDoesNotTakeAnswersIsNotListenedTo() throws {
        let harness = try Harness()
        harness.node.setPod(String(repeating: "p", count: 250_000), phase: "Running")
        let client = try harness.client()
        let request = "GET /pods HTTP/1.1\r\nHost: x\r\n\r\n"
        client.send(String(repeating: request, count: 20))
        for _ in 0..<30 { try harness.loop.turn(wait: false) }
        // A few answers wait in the socket and here, not all; and when they are taken all come.
        #expect(harness.node.listings < 10)
        var count = 0
        try harness.turn {
            client.receive()
            while try client.nextResponse() != nil { count += 1 }
            return count == 20
        }
    }

    @Test func theSocketIsPrivateAndOfAnyLengthAndReplacesADeadOne() throws {
        let name = String(repeating: "n", count: 200) + "/s.sock"
        let harness = try Harness(socketName: name)
        var status = stat()
        #expect(lstat(harness.path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(try harness.get("/healthz").status == 200)
        #expect(throws: SystemError.self) {
            try NodeAPIServer(loop: harness.loop, path: harness.path, service: harness.node)
        }
        harness.server.close()
        #expect(!Files.exists(harness.path))

        let dead = harness.folder.path + "/dead.sock"
        _ = CLinux.close(swl_unix_socket(dead, 1, 0))
        let server = try NodeAPIServer(loop: harness.loop, path: dead, service: harness.node)
        server.close()
        try harness.folder.write("file", "no socket")
        #expect(throws: SystemError.self) {
            try NodeAPIServer(loop: harness.loop, path: harness.folder.path + "/file", service: harness.node)
        }
        #expect(Files.exists(harness.folder.path + "/file"))
    }

    @Test func noBytesFromAClientEndTheServer() throws {
        let harness = try Harness()
        harness.node.setPod("a", phase: "Running")
        let requests = [
            "GET /swiftlet/v1/pods?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n", ExecRouteTests.request,
            "POST /swiftlet/v1/images/load HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "GET /containerLogs/default/a/c?follow=1&tailLines=3 HTTP/1.1\r\nHost: x\r\n\r\n",
            "DELETE /swiftlet/v1/images?reference=b HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        ]
        var random = SplitMix(7)
        for _ in 0..<400 {
            var bytes = Array(requests.randomElement(using: &random)!.utf8)
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let i = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[i] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(i..<min(bytes.count - 1, i + 9))
                default: bytes.insert(contentsOf: bytes[i..<min(bytes.count, i + 9)], at: i)
                }
            }
            let client = try harness.client()
            client.send(bytes)
            if Bool.random(using: &random) { client.halfClose() }
            for _ in 0..<Int.random(in: 0...4, using: &random) { try harness.loop.turn(wait: false) }
        }
        try harness.turn { harness.server.connectionCount == 0 && harness.node.watcherCount == 0 }
        #expect(try harness.get("/healthz").status == 200)
    }
}
