import Base
import TestSupport
import Testing

@testable import NodeAgent

@Suite struct ImageCollectionTests {
    private static let now = Timestamp(nanoseconds: 1_000_000 * 1_000_000_000)

    private func image(_ id: String, age: Int64, unused: Int64) -> ImageCollection.Candidate {
        func before(_ seconds: Int64) -> Timestamp {
            Timestamp(nanoseconds: Self.now.nanoseconds - seconds * 1_000_000_000)
        }
        return ImageCollection.Candidate(id: id, imported: before(age), lastUsed: before(unused))
    }

    private func collection(_ change: (inout ImageCollection.Policy) -> Void = { _ in }) -> ImageCollection {
        var policy = ImageCollection.Policy()
        change(&policy)
        return ImageCollection(policy, now: Self.now)
    }

    @Test func imagesGoFromTheHighThresholdOnDownToTheLowOne() {
        func disk(_ used: Int64) -> ImageCollection.Disk { .init(capacity: 1000, available: 1000 - used) }
        let collection = collection()
        #expect(collection.excess(disk(840)) == nil)
        #expect(collection.excess(disk(850)) == 50)
        #expect(collection.excess(disk(1000)) == 200)
        #expect(self.collection { $0.high = 100 }.excess(disk(1000)) == nil, "100 is never")
        #expect(self.collection { ($0.high, $0.low) = (50, 10) }.excess(disk(600)) == 500)
        #expect(disk(845).usage == 85, "what is left is rounded down, as the kubelet does")
        let huge = ImageCollection.Disk(capacity: .max, available: .max / 10)
        #expect(collection.excess(huge) != nil)
    }

    @Test func theImageThatWasUsedLongestAgoGoesFirst() {
        let images = [
            image("new", age: 119, unused: 119), image("b", age: 5000, unused: 300), image("a", age: 400, unused: 350),
            image("old", age: 120, unused: 120),
        ]
        #expect(collection().removable(images).map(\.id) == ["a", "b", "old"], "and none that came just now")
        #expect(collection { $0.minimumAge = .seconds(0) }.removable(images).map(\.id) == ["a", "b", "old", "new"])
    }

    @Test func onlyImagesThatNobodyUsedForTooLongAreExpired() {
        let images = [
            image("kept", age: 9000, unused: 10), image("gone", age: 9000, unused: 8000),
            image("never used", age: 9000, unused: 9000), image("young", age: 100, unused: 100),
        ]
        #expect(collection().expired(images).isEmpty, "without a limit")
        #expect(collection { $0.maximumAge = .seconds(7000) }.expired(images).map(\.id) == ["never used", "gone"])
        #expect(collection { $0.maximumAge = .seconds(50) }.expired(images).count == 2, "the youngest stay")
    }

    @Test func usesAreRememberedOverRestartsAndWrittenOnlyWhenSomethingChanges() throws {
        let folder = try TemporaryDirectory()
        let path = Path.join(folder.path, "used.json")
        func time(_ seconds: Int64) -> Timestamp { Timestamp(nanoseconds: seconds * 1_000_000_000) }
        func written() -> Bool {
            defer { _ = try? Files.remove(path) }
            return Files.exists(path)
        }
        var uses = ImageUses(path: path)
        try uses.update(used: [], all: ["a", "b"], at: time(1))
        #expect(!written(), "nothing is used")
        try uses.update(used: ["a"], all: ["a", "b"], at: time(2))
        #expect(written(), "used for the first time")
        for second in 3...50 { try uses.update(used: ["a"], all: ["a", "b"], at: time(Int64(second))) }
        #expect(!written() && uses.lastUsed("a") == time(50), "no write while it is used")
        try uses.update(used: [], all: ["a", "b"], at: time(60))
        var restarted = ImageUses(path: path)
        #expect(restarted.lastUsed("a") == time(60) && restarted.lastUsed("b") == nil)
        #expect(written(), "it is used no more")
        try restarted.update(used: [], all: ["b"], at: time(70))
        #expect(restarted.lastUsed("a") == nil && written(), "what is gone is forgotten")
        try Files.replace(path, with: Array("{broken".utf8), durable: false)
        #expect(ImageUses(path: path).lastUsed("a") == nil)
    }
}
