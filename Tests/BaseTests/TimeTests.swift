import Base
import Testing

@Suite struct TimeTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_794_000_000, "2026-11-06T21:20:00Z"),
        (-1, "1969-12-31T23:59:59Z"), (9_223_372_036, "2262-04-11T23:47:16Z"),
    ])
    func aTimestampPrintsAsRFC3339AndReadsBack(seconds: Int64, text: String) {
        #expect(Timestamp(nanoseconds: seconds * 1_000_000_000).rfc3339 == text)
        #expect(Timestamp(rfc3339: text)?.nanoseconds == seconds * 1_000_000_000)
    }

    @Test func aTimeBeyond64BitsOfNanosecondsIsRefused() {
        #expect(Timestamp(rfc3339: "2262-04-11T23:47:17Z") == nil)
        #expect(Timestamp(rfc3339: "9999-12-31T23:59:59Z") == nil)
        #expect(Timestamp(rfc3339: "0000-01-01T00:00:00Z") == nil)
    }

    @Test func fractionsAndOffsetsAreRead() {
        #expect(Timestamp(rfc3339: "1970-01-01T01:00:00.25+01:00")?.nanoseconds == 250_000_000)
        #expect(Timestamp(rfc3339: "1970-01-01T00:00:00") == nil)
        #expect(Timestamp(rfc3339: "1970-13-01T00:00:00Z") == nil)
        #expect(
            String(decoding: Timestamp(nanoseconds: 5).rfc3339Nano, as: UTF8.self) == "1970-01-01T00:00:00.000000005Z")
    }

    @Test func aLengthOfTimePrintsAsGoDoes() {
        #expect(Nanoseconds.milliseconds(870).description == "870ms")
        #expect(Nanoseconds.milliseconds(1250).description == "1.25s")
        #expect(Nanoseconds.seconds(125).description == "2m5s")
    }
}
