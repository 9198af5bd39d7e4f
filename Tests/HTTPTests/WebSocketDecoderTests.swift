import HTTP
import TestSupport
import Testing

@Suite struct WebSocketDecoderTests {
    typealias Event = WebSocketDecoder.Event
    static let mask: UInt32 = 0x37FA_213D
    static let steps = [1, 2, 3, 7, 1 << 20]

    /// All events of `bytes`, handed in pieces of `step` bytes.
    static func events(
        _ bytes: [UInt8], step: Int = 1 << 20, of peer: WebSocketDecoder.Peer = .client,
        limits: WebSocketDecoder.Limits = WebSocketDecoder.Limits()
    ) throws(WebSocketError) -> [Event] {
        var decoder = WebSocketDecoder(of: peer, limits: limits)
        var events: [Event] = []
        var i = 0
        while i < bytes.count {
            decoder.receive(bytes[i..<min(i + step, bytes.count)])
            i += step
            while let event = try decoder.next() { events.append(event) }
        }
        return events
    }

    /// The error of `bytes`, the same for whatever pieces.
    static func failure(
        _ bytes: [UInt8], limits: WebSocketDecoder.Limits = WebSocketDecoder.Limits()
    ) -> WebSocketError? {
        var errors: Set<WebSocketError?> = []
        for step in steps {
            do throws(WebSocketError) {
                _ = try events(bytes, step: step, limits: limits)
                errors.insert(nil)
            } catch { errors.insert(error) }
        }
        #expect(errors.count == 1, "it depends on the pieces: \(errors)")
        return errors.first ?? nil
    }

    static func client(_ frames: WebSocketFrame...) -> [UInt8] { frames.flatMap { $0.bytes(maskedBy: mask) } }

    @Test func theExamplesOfTheStandardAreReadAndWritten() throws {
        let hello: [UInt8] = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]
        #expect(WebSocketFrame(.text, Array("Hello".utf8)).bytes() == hello)
        #expect(try Self.events(hello, of: .server) == [.text("Hello")])
        let masked: [UInt8] = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]
        #expect(WebSocketFrame(.text, Array("Hello".utf8)).bytes(maskedBy: Self.mask) == masked)
        #expect(try Self.events(masked) == [.text("Hello")])
        let fragments: [UInt8] = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f]
        #expect(try Self.events(fragments, of: .server) == [.text("Hello")])
        #expect(WebSocketFrame(.ping, Array("Hello".utf8)).bytes().prefix(2) == [0x89, 0x05])
        #expect(
            WebSocketFrame(.binary, [UInt8](repeating: 0, count: 256)).bytes().prefix(4) == [0x82, 0x7E, 0x01, 0x00])
        #expect(
            WebSocketFrame(.binary, [UInt8](repeating: 0, count: 65536)).bytes().prefix(10)
                == [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0])
    }

    @Test(arguments: steps)
    func messagesComeOutTheSameInAnyPieces(step: Int) throws {
        let bytes = Self.client(
            WebSocketFrame(.binary, []), WebSocketFrame(.text, Array("grüß".utf8)),
            WebSocketFrame(.text, Array("gr".utf8) + [0xC3], isFinal: false), WebSocketFrame(.ping, [1, 2]),
            WebSocketFrame(.continuation, [], isFinal: false), WebSocketFrame(.pong, []),
            WebSocketFrame(.continuation, [0xBC]), WebSocketFrame(.binary, [UInt8](repeating: 9, count: 300)),
            .close(.normal, "bye"), WebSocketFrame(.binary, [7]))
        let events = try Self.events(bytes, step: step)
        #expect(
            events == [
                .binary([]), .text("grüß"), .ping([1, 2]), .pong([]), .text("grü"),
                .binary([UInt8](repeating: 9, count: 300)), .close(.normal, reason: "bye"),
            ])
    }

    @Test(arguments: [0, 1, 125, 126, 127, 65535, 65536, 100_000])
    func everyLengthIsReadAsItIsWritten(count: Int) throws {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let frame = WebSocketFrame(.binary, payload)
        #expect(try Self.events(frame.bytes(maskedBy: Self.mask), step: 1009) == [.binary(payload)])
        #expect(try Self.events(frame.bytes(), of: .server) == [.binary(payload)])
    }

    @Test func clientsMustMaskAndServersMustNot() {
        #expect(Self.failure(WebSocketFrame(.binary, [1]).bytes())?.code == .protocolError)
        #expect(throws: WebSocketError.self) {
            try Self.events(WebSocketFrame(.binary, [1]).bytes(maskedBy: 1), of: .server)
        }
    }

    @Test(arguments: [0x40, 0x20, 0x10] as [UInt8])
    func aReservedBitIsRefused(bit: UInt8) {
        var bytes = Self.client(WebSocketFrame(.binary, [1]))
        bytes[0] |= bit
        #expect(Self.failure(bytes)?.code == .protocolError)
    }

    @Test(arguments: [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8])
    func aReservedTypeIsRefused(opcode: UInt8) {
        #expect(Self.failure([0x80 | opcode, 0x80, 0, 0, 0, 0])?.code == .protocolError)
    }

    @Test(
        arguments: [
            ("two bytes for 125", [0xFE, 0, 125]), ("eight bytes for 65535", [0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]),
            ("the highest bit", [0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0]),
            ("the highest bit of all ones", [UInt8](repeating: 0xFF, count: 9)),
        ] as [(String, [UInt8])])
    func aLengthThatIsNotTheShortestIsRefused(what: String, length: [UInt8]) {
        #expect(Self.failure([0x82] + length + [0, 0, 0, 0])?.code == .protocolError, "\(what)")
    }

    @Test func aLengthOverTheLimitIsRefusedBeforeItsBytesCome() {
        let limits = WebSocketDecoder.Limits(frame: 1000, message: 1500)
        let most = Self.client(WebSocketFrame(.binary, [UInt8](repeating: 1, count: 1000)))
        #expect(Self.failure(most, limits: limits) == nil)
        #expect(Self.failure([0x82, 0xFE, 0x03, 0xE9, 0, 0, 0, 0], limits: limits)?.code == .tooBig)
        // 2^63 - 1 bytes.
        let huge = [0x82, 0xFF, 0x7F] + [UInt8](repeating: 0xFF, count: 7) + [0, 0, 0, 0]
        #expect(Self.failure(huge)?.code == .tooBig)
    }

    @Test func aMessageOverTheLimitIsRefusedAlsoInManyFrames() {
        let limits = WebSocketDecoder.Limits(frame: 1000, message: 1500)
        let part = [UInt8](repeating: 1, count: 750)
        let start = WebSocketFrame(.binary, part, isFinal: false)
        #expect(Self.failure(Self.client(start, WebSocketFrame(.continuation, part)), limits: limits) == nil)
        let bytes = Self.client(
            start, WebSocketFrame(.continuation, part, isFinal: false), WebSocketFrame(.ping, [1]),
            WebSocketFrame(.continuation, [1]))
        #expect(Self.failure(bytes, limits: limits)?.code == .tooBig)
    }

    @Test func fragmentsOfTwoMessagesAreNotMixed() {
        let open = WebSocketFrame(.text, [0x61], isFinal: false)
        #expect(Self.failure(Self.client(open, WebSocketFrame(.text, [0x62])))?.code == .protocolError)
        #expect(Self.failure(Self.client(open, WebSocketFrame(.binary, [0x62])))?.code == .protocolError)
        #expect(Self.failure(Self.client(WebSocketFrame(.continuation, [1])))?.code == .protocolError)
        let done = Self.client(open, WebSocketFrame(.continuation, [0x62]), WebSocketFrame(.continuation, [0x63]))
        #expect(Self.failure(done)?.code == .protocolError)
    }

    @Test(arguments: [.close, .ping, .pong] as [WebSocketFrame.Opcode])
    func controlFramesAreShortAndWhole(opcode: WebSocketFrame.Opcode) {
        #expect(Self.failure(Self.client(WebSocketFrame(opcode, [], isFinal: false)))?.code == .protocolError)
        let long = WebSocketFrame(opcode, [UInt8](repeating: 0x61, count: 126))
        #expect(Self.failure(Self.client(long))?.code == .protocolError)
    }

    @Test(
        arguments: [
            [0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x61, 0x80], [0xE2, 0x82],
        ] as [[UInt8]])
    func textThatIsNoUTF8IsRefused(text: [UInt8]) {
        #expect(Self.failure(Self.client(WebSocketFrame(.text, text)))?.code == .invalidData)
        let fragments = Self.client(
            WebSocketFrame(.text, [], isFinal: false), WebSocketFrame(.continuation, text))
        #expect(Self.failure(fragments)?.code == .invalidData)
        #expect(Self.failure(Self.client(WebSocketFrame(.binary, text))) == nil)
        #expect(Self.failure(Self.client(WebSocketFrame(.close, [0x03, 0xE8] + text)))?.code == .invalidData)
    }

    @Test func aCloseHasNoCodeOrOneThatMayBeSent() throws {
        #expect(try Self.events(Self.client(WebSocketFrame(.close))) == [.close(nil, reason: "")])
        #expect(Self.failure(Self.client(WebSocketFrame(.close, [3])))?.code == .protocolError)
        for code in [1000, 1001, 1003, 1007, 1011, 3000, 4999] as [UInt16] {
            let frame = WebSocketFrame.close(WebSocketCloseCode(rawValue: code), "why")
            #expect(
                try Self.events(Self.client(frame)) == [.close(WebSocketCloseCode(rawValue: code), reason: "why")])
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535] as [UInt16] {
            let frame = WebSocketFrame.close(WebSocketCloseCode(rawValue: code))
            #expect(Self.failure(Self.client(frame))?.code == .protocolError, "\(code)")
        }
    }

    @Test func aLongReasonIsCutBetweenCharacters() throws {
        let frame = WebSocketFrame.close(.internalError, String(repeating: "ü", count: 100))
        #expect(frame.payload.count == 124)
        #expect(
            try Self.events(Self.client(frame)) == [.close(.internalError, reason: String(repeating: "ü", count: 61))])
    }

    @Test func afterAnErrorAndAfterTheCloseNothingIsKeptOrRead() throws {
        var decoder = WebSocketDecoder(of: .client)
        decoder.receive([0xFF, 0x80])
        #expect(throws: WebSocketError.self) { try decoder.next() }
        decoder.receive(Self.client(WebSocketFrame(.binary, [1])))
        #expect(throws: WebSocketError.self) { try decoder.next() }
        #expect(decoder.buffered == 0)
        var closed = WebSocketDecoder(of: .client)
        closed.receive(Self.client(.close(.normal), WebSocketFrame(.binary, [1])))
        #expect(try closed.next() == .close(.normal, reason: ""))
        closed.receive(Self.client(WebSocketFrame(.binary, [1])))
        #expect(try closed.next() == nil)
        #expect(closed.buffered == 0)
    }

    @Test func noBytesMakeItCrashOrDependOnThePieces() {
        let good = Self.client(
            WebSocketFrame(.text, Array("grüß dich".utf8), isFinal: false), WebSocketFrame(.ping, [1]),
            WebSocketFrame(.continuation, [0x21]), WebSocketFrame(.binary, [UInt8](repeating: 7, count: 130)),
            .close(.normal, "bye"))
        for seed in 0..<5_000 as Range<UInt64> {
            var random = SplitMix(seed)
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let i = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[i] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(i..<min(bytes.count, i + Int.random(in: 1...9, using: &random)))
                default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: i)
                }
            }
            let limits = WebSocketDecoder.Limits(frame: 200, message: 300)
            func run(_ pieces: [[UInt8]]) -> ([Event], WebSocketError?) {
                var decoder = WebSocketDecoder(of: .client, limits: limits)
                var events: [Event] = []
                for piece in pieces {
                    decoder.receive(piece)
                    do throws(WebSocketError) {
                        while let event = try decoder.next() { events.append(event) }
                    } catch { return (events, error) }
                    if decoder.buffered > 600 { Issue.record("seed \(seed): \(decoder.buffered) bytes are kept") }
                }
                return (events, nil)
            }
            let whole = run([bytes])
            let split = run(FuzzTests.pieces(bytes, &random))
            #expect(whole.0 == split.0 && whole.1 == split.1, "seed \(seed)")
        }
    }
}
