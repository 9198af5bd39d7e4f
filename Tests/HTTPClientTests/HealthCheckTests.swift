import Base
import CLinux
import Testing

@testable import HTTPClient

/// A server on the test's own loop that takes one connection and answers the first bytes with others.
private final class ByteServer {
    let port: UInt16
    private let loop: EventLoop
    private let listener: FileDescriptor
    private var peer: SharedDescriptor?
    private(set) var received: [UInt8] = []

    init(_ loop: EventLoop, answer: [UInt8]?) throws {
        self.loop = loop
        var port: UInt16 = 0
        listener = FileDescriptor(
            adopting: try retrying("listen at", "127.0.0.1") { swl_tcp_listen("127.0.0.1", &port) })
        self.port = port
        _ = try loop.watch(listener, for: .readable) { [unowned self] _ in
            let raw = swl_accept(listener.raw)
            guard raw >= 0 else { return }
            let peer = SharedDescriptor(FileDescriptor(adopting: raw))
            self.peer = peer
            _ = try? loop.watch(peer.descriptor, for: .readable) { [unowned self] _ in
                var buffer = [UInt8](repeating: 0, count: 4096)
                guard let count = try? peer.descriptor.read(into: &buffer), count > 0 else { return }
                if received.isEmpty, let answer { try? peer.descriptor.writeAll(answer) }
                received += buffer[..<count]
                if answer == nil { _ = shutdown(peer.descriptor.raw, Int32(SHUT_RDWR)) }
            }
        }
    }
}

@Suite struct HealthCheckTests {
    static func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
        [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags, 0, 0, 0, stream] + payload
    }

    static let settings = frame(4, 0, 0, [0, 3, 0, 0, 0, 100])
    static let headers = frame(
        1, 4, 1, [0x88, 0x5F, 0x8B, 0x1D, 0x75, 0xD0, 0x62, 0x0D, 0x26, 0x3D, 0x4C, 0x4D, 0x65, 0x64])
    static let trailers = frame(1, 5, 1, [0x40, 0x88])

    static func status(_ status: UInt8) -> [UInt8] { frame(0, 0, 1, [0, 0, 0, 0, 2, 8, status]) }

    /// What the answer is when it comes in pieces of `size` bytes.
    static func answer(_ bytes: [UInt8], pieces size: Int = .max) -> HealthCheck.Answer? {
        var check = HealthCheck()
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(size))
            rest = rest.dropFirst(size)
            if let answer = piece.withUnsafeBytes({ check.receive($0) }) { return answer }
        }
        return nil
    }

    static func isFailure(_ answer: HealthCheck.Answer?) -> Bool {
        if case .failure = answer { true } else { false }
    }

    @Test func theStatusIsFoundHoweverItsBytesCome() {
        let ping = Self.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])
        for status in [UInt8(0), 1, 2, 3] {
            let bytes = Self.settings + ping + Self.headers + Self.status(status) + Self.trailers
            for size in [1, 2, 7, 9, .max] {
                #expect(Self.answer(bytes, pieces: size) == .status(UInt64(status)))
            }
        }
        let empty = Self.frame(0, 0, 1, [0, 0, 0, 0, 0])
        #expect(Self.answer(Self.settings + empty) == .status(0), "the default is not written")
        let split = Self.frame(0, 0, 1, [0, 0, 0]) + Self.frame(0, 8, 1, [2, 0, 2, 8, 1, 9, 9])
        #expect(Self.answer(Self.settings + split) == .status(1), "in two frames, the second padded")
        let newer = Self.frame(0, 0, 1, [0, 0, 0, 0, 7, 0x12, 1, 0x61, 0x18, 5, 8, 1])
        #expect(Self.answer(newer) == .status(1), "fields of a newer version are passed over")
    }

    @Test func theBytesOfARealServerAreUnderstood() {
        // As containerd 1.6.20 (grpc-go) sent them.
        let begin =
            Self.frame(4, 0, 0, [0, 5, 0, 0, 0x40, 0]) + Self.frame(4, 1, 0, []) + Self.frame(8, 0, 0, [0, 0, 0, 5])
            + Self.frame(6, 0, 0, [2, 4, 0x10, 0x10, 9, 0x0E, 7, 7])
        let block: [UInt8] = [0x88, 0x5F, 0x8B, 0x1D, 0x75, 0xD0, 0x62, 0x0D, 0x26, 0x3D] + Array("LMed".utf8)
        let name: [UInt8] = [0x40, 0x88, 0x9A, 0xCA, 0xC8, 0xB2, 0x12, 0x34, 0xDA, 0x8F, 0x01]
        let serving =
            begin + Self.frame(1, 4, 1, block) + Self.frame(0, 0, 1, [0, 0, 0, 0, 2, 8, 1])
            + Self.frame(1, 5, 1, name + [0x30])
        #expect(Self.answer(serving) == .status(1))
        let unknown = begin + Self.frame(1, 5, 1, block + name + [0x35])
        #expect(Self.isFailure(Self.answer(unknown)), "grpc-status 5 and no message")
    }

    @Test func settingsAndPingsAreAcknowledged() {
        var check = HealthCheck()
        let ping = Self.frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8])
        let bytes = Self.settings + Self.frame(4, 1, 0, []) + ping
        let answer = bytes.withUnsafeBytes { check.receive($0) }
        #expect(answer == nil)
        #expect(check.takeOutput() == Self.frame(4, 1, 0, []) + Self.frame(6, 1, 0, [1, 2, 3, 4, 5, 6, 7, 8]))
        #expect(check.takeOutput() == [])
    }

    @Test func whatIsNoStatusIsAFailure() {
        let answers: [[UInt8]] = [
            Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8), Self.trailers, Self.frame(3, 0, 1, [0, 0, 0, 8]),
            Self.frame(7, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]), Self.frame(0, 1, 1, []), Self.frame(0, 8, 1, [9, 1]),
            Self.frame(0, 0, 1, [1, 0, 0, 0, 0]), Self.frame(0, 0, 1, [0, 9, 0, 0, 0]),
            Self.frame(0, 0, 1, [0, 0, 0, 0, 2, 8, 255]), Self.frame(0, 0, 1, [0, 0, 0, 0, 2, 0x0A, 9]),
        ]
        for bytes in answers { #expect(Self.isFailure(Self.answer(bytes)), "\(bytes)") }
    }

    @Test func noBytesFromOutsideDoHarm() {
        var seed = UInt64(1)
        for _ in 0..<2000 {
            var bytes = Self.settings + Self.headers + Self.status(1) + Self.trailers
            for _ in 0..<3 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(seed >> 33) % bytes.count] = UInt8(truncatingIfNeeded: seed >> 24)
            }
            _ = Self.answer(bytes, pieces: 5)
        }
    }

    @Test func aServerIsAskedInTheWordsOfGRPC() throws {
        let loop = try EventLoop()
        let server = try ByteServer(loop, answer: Self.settings + Self.headers + Self.status(2) + Self.trailers)
        #expect(try ask(loop, server.port, "db") == "service unhealthy (responded with \"NOT_SERVING\")")
        let sent = server.received
        #expect(sent.starts(with: HealthCheck.preface + Self.frame(4, 0, 0, [])))
        for text in ["/grpc.health.v1.Health/Check", "127.0.0.1:\(server.port)", "application/grpc", "kube-probe/1.36"]
        {
            #expect(sent.firstRange(of: Array(text.utf8)) != nil, "\(text)")
        }
        let body = Self.frame(0, 1, 1, [0, 0, 0, 0, 4, 0x0A, 2] + Array("db".utf8))
        #expect(sent.firstRange(of: body) != nil)
    }

    @Test func aServiceThatServesIsASuccess() throws {
        let loop = try EventLoop()
        let server = try ByteServer(loop, answer: Self.settings + Self.headers + Self.status(1) + Self.trailers)
        #expect(try ask(loop, server.port) == nil)
    }

    @Test func whatDoesNotAnswerIsAFailure() throws {
        let loop = try EventLoop()
        let silent = try ByteServer(loop, answer: [])
        #expect(
            try ask(loop, silent.port, timeout: .milliseconds(50)) == "timeout: health rpc did not complete within 50ms"
        )
        let closing = try ByteServer(loop, answer: nil)
        #expect(try ask(loop, closing.port)?.hasPrefix("error: health rpc probe failed: ") == true)
        #expect(
            try ask(loop, 1)
                == "error: failed to connect service at \"127.0.0.1:1\": dial tcp 127.0.0.1:1: connect: connection refused"
        )
    }

    private func ask(
        _ loop: EventLoop, _ port: UInt16, _ service: String = "", timeout: Nanoseconds = .seconds(20)
    ) throws -> String? {
        var found: String??
        let probe = GRPCProbe(
            "127.0.0.1", port, service: service, timeout: timeout, loop: loop, work: InlineWork(loop)
        ) { found = $0 }
        try withExtendedLifetime(probe) { try loop.turn { found != nil } }
        return found ?? nil
    }
}
