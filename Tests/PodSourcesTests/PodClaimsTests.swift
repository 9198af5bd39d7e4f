import Base
import JSON
import Kube
import PodSources
import Testing

@Suite struct PodClaimsTests {
    private func claim(_ place: String, _ text: String) throws -> SourceReport.Claim {
        .init(place: place, contents: try load(Array(text.utf8), place))
    }

    private func names(_ pods: [WantedPod]) -> [String] { pods.map { $0.manifest.value.stringValue ?? "" } }

    @Test func ofTwoPlacesThatNameOnePodTheOneItIsTakenFromKeepsItAndBothAreNamed() throws {
        var claims = PodClaims()
        let b = SourceReport(claims: [try claim("/b.yaml", "web b")])
        #expect(names(claims.resolve([b]).pods) == ["web b"])
        let a = SourceReport(claims: [try claim("https://a/", "web a\nmore a")])
        let wanted = claims.resolve([a, b])
        let problems = wanted.problems
        #expect(names(wanted.pods) == ["more a", "web b"])
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

@Suite struct ObjectClaimsTests {
    private func claim(_ place: String, _ value: String, immutable: Bool = false) -> SourceReport.Claim {
        let object = DataObject(
            .configMap, ObjectMeta(name: "m", namespace: "default"), data: ["v": Array(value.utf8)],
            isImmutable: immutable)
        return .init(place: place, contents: ManifestContents(objects: [.init(value: .null, object: object)]))
    }

    private func values(_ wanted: Wanted) -> [String] {
        wanted.objects.map { String(decoding: $0.manifest.object.data["v"] ?? [], as: UTF8.self) + " " + $0.path }
    }

    @Test func ofTwoPlacesOneIsUsedAndTheOtherNamed() {
        var claims = PodClaims()
        let (a, b) = (claim("/a", "1"), claim("/b", "2"))
        #expect(values(claims.resolve([SourceReport(claims: [b])])) == ["2 /b"])
        let both = claims.resolve([SourceReport(claims: [a, b])])
        #expect(values(both) == ["2 /b"])
        #expect(
            both.problems.map(\.description).filter { $0.contains("/a: configmap default/m is named by /b too") }.count
                == 1)
    }

    @Test func whatIsImmutableStaysUntilItIsRemoved() {
        var claims = PodClaims()
        #expect(values(claims.resolve([SourceReport(claims: [claim("/a", "1", immutable: true)])])) == ["1 /a"])
        for isImmutable in [true, false] {
            let changed = claims.resolve([SourceReport(claims: [claim("/a", "2", immutable: isImmutable)])])
            #expect(values(changed) == ["1 /a"])
            #expect(changed.problems.count == 1 && changed.problems[0].message.contains("immutable"))
        }
        #expect(claims.resolve([]).objects.isEmpty)
        #expect(values(claims.resolve([SourceReport(claims: [claim("/a", "2")])])) == ["2 /a"])
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
        SourceReport(claims: [.init(place: place, contents: try load(Array(text.utf8), place))])
    }

    @Test func nothingIsSaidBeforeEverySourceHasReported() throws {
        var seen: [[String]] = []
        let set = PodSourceSet { wanted in seen.append(wanted.pods.map(\.manifest.key.name)) }
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
