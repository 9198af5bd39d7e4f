import Base
import JSON
import PodSources
import Testing

@Suite struct PodClaimsTests {
    private func claim(_ place: String, _ text: String) throws -> SourceReport.Claim {
        .init(place: place, pods: try load(Array(text.utf8), place))
    }

    private func names(_ pods: [WantedPod]) -> [String] { pods.map { $0.manifest.value.stringValue ?? "" } }

    @Test func ofTwoPlacesThatNameOnePodTheOneItIsTakenFromKeepsItAndBothAreNamed() throws {
        var claims = PodClaims()
        let b = SourceReport(claims: [try claim("/b.yaml", "web b")])
        #expect(names(claims.resolve([b]).pods) == ["web b"])
        let a = SourceReport(claims: [try claim("https://a/", "web a\nmore a")])
        let (pods, problems) = claims.resolve([a, b])
        #expect(names(pods) == ["more a", "web b"])
        #expect(problems.count == 1 && problems[0].path == "https://a/")
        #expect(problems[0].message.contains("default/web") && problems[0].message.contains("/b.yaml"))
        let alone = claims.resolve([a])
        #expect(names(alone.pods) == ["more a", "web a"] && alone.problems.isEmpty)
        #expect(names(claims.resolve([a, b]).pods) == ["more a", "web a"], "now it is a's")
    }

    @Test func anAgentThatComesBackLeavesEachPodWhereItWas() throws {
        let reports = [
            SourceReport(claims: [try claim("/a.yaml", "web a")]),
            SourceReport(claims: [try claim("https://b/", "web b")]),
        ]
        let key = PodKey(namespace: "default", name: "web")
        var claims = PodClaims(owners: [key: "https://b/"])
        #expect(names(claims.resolve(reports).pods) == ["web b"])
        var fresh = PodClaims()
        #expect(names(fresh.resolve(reports).pods) == ["web a"], "the first source gets what is new")
    }
}

/// A source that reports what a test says.
private final class FakeSource: PodSource {
    var onReport: (SourceReport) -> Void = { _ in }
    var isRunning = false
    var report = SourceReport()
    func start() throws(SystemError) {
        isRunning = true
        onReport(report)
    }
    func refresh() { onReport(report) }
    func stop() { isRunning = false }
}

@Suite struct PodSourceSetTests {
    private func report(_ place: String, _ text: String) throws -> SourceReport {
        SourceReport(claims: [.init(place: place, pods: try load(Array(text.utf8), place))])
    }

    @Test func nothingIsSaidBeforeEverySourceHasReported() throws {
        var seen: [[String]] = []
        let set = PodSourceSet { pods, _ in seen.append(pods.map(\.manifest.key.name)) }
        let (folder, url) = (FakeSource(), FakeSource())
        folder.report = try report("/a.yaml", "a")
        url.report = try report("https://b/", "b")
        try set.set(.folder, to: folder)
        try set.set(.url, to: url)
        #expect(seen.isEmpty)
        try set.start()
        #expect(seen == [["a", "b"]])
        url.report = try report("https://b/", "c")
        url.refresh()
        #expect(seen.last == ["a", "c"])
        try set.set(.url, to: nil)
        #expect(seen.last == ["a"] && !url.isRunning)
        try set.set(.url, to: url)
        #expect(seen.last == ["a", "c"] && url.isRunning)
    }
}
