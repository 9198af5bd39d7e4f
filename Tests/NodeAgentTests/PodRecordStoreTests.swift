import Base
import JSON
import TestSupport
import Testing

@testable import NodeAgent

@Suite struct PodRecordStoreTests {
    /// A power cut leaves of a first write the name alone, a beginning, or blocks that were never filled.
    @Test func aRecordWhoseFirstWriteWasCutOffIsToldFromADamagedOne() async {
        await #expect(processExitsWith: .success) {
            let scratch = try TemporaryDirectory()
            var record = PodRecordTests().record
            record.uid = "good"
            let text = JSONWriter().bytes(record.json)
            try Files.replace(scratch.path + "/good.json", with: text, durable: false)
            try Files.replace(scratch.path + "/empty.json", with: [], durable: false)
            try Files.replace(scratch.path + "/begun.json", with: text.prefix(40), durable: false)
            try Files.replace(
                scratch.path + "/zeros.json", with: [UInt8](repeating: 0, count: text.count), durable: false)
            try Files.replace(scratch.path + "/damaged.json", with: Array("{}".utf8), durable: false)
            try LoopActor.run { loop in
                let records = PodRecordStore(
                    folder: scratch.path, pool: BlockingPool(size: 1), log: Log(limit: .error))
                let found = try records.load()
                #expect(found.records.map(\.uid) == ["good"])
                #expect(found.unusable.filter(\.isCutOff).map(\.uid) == ["begun", "empty", "zeros"])
                #expect(found.unusable.filter { !$0.isCutOff }.map(\.uid) == ["damaged"])
                loop.stop()
            }
        }
    }
}
