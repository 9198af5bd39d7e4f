import Base
import HTTP
import Testing

@testable import HTTPClient

@Suite struct RetryDelayTests {
    @Test func theBackOffDoublesToAMinuteAndIsSpread() {
        for (attempt, whole) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (100, 60), (.max, 60)] as [(Int, Int64)] {
            for random in [0, 1, 12345, UInt64.max] as [UInt64] {
                let delay = RetryDelay.backOff(attempt, random: random)
                #expect(delay <= .seconds(whole) && delay.count >= whole * 500_000_000, "\(attempt): \(delay)")
            }
        }
        #expect(RetryDelay.backOff(3, random: 1) != RetryDelay.backOff(3, random: 99_999_999))
    }

    @Test func whatTheServerAsksForIsBounded() throws {
        let now = try #require(Timestamp(rfc3339: "2026-03-01T12:00:00Z"))
        func asked(_ text: String, _ status: Int = 503) -> Nanoseconds? {
            RetryDelay.asked(HTTPResponseHead(status: status, headers: ["Retry-After": text]), now: now)
        }
        #expect(asked("7") == .seconds(7) && asked("7", 429) == .seconds(7))
        #expect(asked("7", 500) == nil && asked("soon") == nil && asked("99999999999999999999") == nil)
        #expect(asked("-5") == .seconds(0))
        #expect(asked("86400") == .seconds(600))
        #expect(asked("Sun, 01 Mar 2026 12:01:30 GMT") == .seconds(90))
        #expect(asked("Sun, 01 Mar 2026 11:00:00 GMT") == .seconds(0))
        #expect(asked("Sun, 01 Mar 2036 11:00:00 GMT") == .seconds(600))
    }
}
