import Base
import Synchronization
import TestSupport
import Testing

@testable import NodeAgent

@Suite struct HostSettingsTests {
    @Test func podsThatComeAtTheSameTimeRememberThemOnce() throws {
        let folder = try TemporaryDirectory()
        for round in 0..<50 {
            let settings = HostSettings(record: "\(folder.path)/\(round)")
            let failures = Failures()
            try Threads.run(8, "remembering") {
                do { try settings.remember() } catch { failures.list.withLock { $0.append("\(error)") } }
            }
            #expect(failures.list.withLock { $0 } == [])
            #expect(settings.isRemembered)
        }
    }

    private final class Failures: Sendable { let list = Mutex<[String]>([]) }
}
