import Testing

@testable import Registry

@Suite struct ChallengeTests {
    @Test func whatRegistriesSendIsRead() {
        let text =
            #"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#
        #expect(
            Challenge.parse(text) == [
                Challenge(
                    scheme: "bearer",
                    parameters: [
                        "realm": "https://auth.docker.io/token", "service": "registry.docker.io",
                        "scope": "repository:a/b:pull,push",
                    ])
            ])
        #expect(
            Challenge.parse(#"Basic realm="a \"b\"""#) == [.init(scheme: "basic", parameters: ["realm": "a \"b\""])])
    }

    @Test func severalChallengesOfOneHeaderAreRead() {
        let challenges = Challenge.parse(#"Negotiate, BASIC realm=x , Bearer  Realm = "y" , error="z""#)
        #expect(challenges.map(\.scheme) == ["negotiate", "basic", "bearer"])
        #expect(challenges[1].parameters == ["realm": "x"])
        #expect(challenges[2].parameters == ["realm": "y", "error": "z"])
    }

    @Test func theFirstOfTwoValuesHolds() {
        #expect(Challenge.parse("Bearer realm=a,realm=b").first?.parameters["realm"] == "a")
    }

    @Test(arguments: ["", ",,,", "\"", "=", "Bearer =", "Bearer realm", "Bearer realm=", "Bearer realm=\"", "B a=\"\\"])
    func whatIsBrokenEndsTheReading(_ text: String) { #expect(Challenge.parse(text).count <= 2) }

    @Test func everyPrefixAndChangedByteOfAHeaderIsReadToItsEnd() {
        let bytes = Array(#"Bearer realm="https://a\"/t",service=b, scope="c:d:e", Basic realm=f"#.utf8)
        for count in 0...bytes.count { _ = Challenge.parse(String(decoding: bytes.prefix(count), as: UTF8.self)) }
        for at in bytes.indices {
            for value in [UInt8(0), 0x22, 0x2C, 0x3D, 0x5C, 0x80] {
                var changed = bytes
                changed[at] = value
                #expect(Challenge.parse(String(decoding: changed, as: UTF8.self)).count < 16)
            }
        }
    }
}

@Suite struct ContentRangeTests {
    @Test(
        arguments: [
            ("bytes 10-99/100", 10, 100, true), ("bytes 10-99/*", 10, 100, true), ("Bytes 10-99/100", 10, 100, true),
            ("bytes 0-99/100", 10, 100, false), ("bytes 10-98/100", 10, 100, false),
            ("bytes 10-99/200", 10, 100, false),
            ("bytes 10-100/*", 10, 100, false),
        ] as [(String, Int64, Int64, Bool)])
    func aRangeContinuesOnlyWhereItWasCut(_ text: String, _ offset: Int64, _ size: Int64, _ fits: Bool) throws {
        #expect(try #require(ContentRange(text)).continues(at: offset, of: size) == fits)
    }

    @Test(arguments: [
        "", "bytes", "bytes */100", "bytes 5-4/10", "bytes 0-10/10", "bytes -1-5/10", "bytes 0-5", "items 0-5/10",
        "bytes 0-99999999999999999999/*", "bytes 0-5/10/10", "bytes +0-5/10",
    ])
    func whatIsNoRangeIsRefused(_ text: String) { #expect(ContentRange(text) == nil) }
}
