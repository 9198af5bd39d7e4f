import Kube
import Testing

@testable import PodSources

@Suite struct ManifestReaderTests {
    private func pod(_ name: String, _ extra: String = "") -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          containers:
          - name: c
            image: busybox
        \(extra)
        """
    }

    private func read(_ text: String) throws(ManifestRefusal) -> [String] {
        try ManifestReader.read(Array(text.utf8), path: "/m.yaml").pods.map(\.key.description)
    }

    private func problems(_ text: String) -> [String] {
        do { return try read(text).map { "ok \($0)" } } catch { return error.problems.map(\.description) }
    }

    @Test func oneFileMayHoldManyDocumentsAndLists() throws {
        #expect(try read(pod("a") + "\n---\n" + pod("b") + "\n---\n") == ["default/a", "default/b"])
        let list =
            #"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"x"},"spec":{"containers":[{"name":"c","image":"i"}]}}]}"#
        #expect(try read(list) == ["x/a"])
    }

    @Test func aMisspeltFieldIsNamedWithItsPlaceAndTheLikelyWord() {
        let found = problems(pod("a", "    imagePullPolice: Never"))
        #expect(found.count == 1)
        #expect(found[0].hasPrefix("/m.yaml:8:5: "))
        #expect(found[0].contains("did you mean \"imagePullPolicy\"?"))
    }

    @Test(arguments: ["", "\n---\n", "# only words\n"])
    func aFileWithoutAnObjectIsAMistakeAndNoOrderToRemovePods(text: String) {
        #expect(problems(text).count == 1)
        #expect(problems(text)[0].contains("holds no object"))
    }

    @Test func oneBadDocumentRefusesTheWholeFile() {
        let found = problems(pod("a") + "\n---\n" + pod("B_bad"))
        #expect(!found.contains { $0.hasPrefix("ok") })
    }

    @Test func configMapsAndSecretsStandBesidePods() throws {
        let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: plain}\n"
        let text = pod("a") + "\n---\n" + map + "---\n" + map.replacing("ConfigMap", with: "Secret")
        let found = problems(text)
        #expect(found.count == 1 && found[0].contains("data[x]: Invalid value: not base64"), "\(found)")
        let good = try ManifestReader.read(
            Array(text.replacing("plain}", with: "eA==}").utf8), path: "/m.yaml")
        #expect(good.pods.map(\.key.description) == ["default/a"])
        #expect(good.objects.map(\.key.description) == ["configmap default/a", "secret default/a"])
        #expect(
            problems(map + "---\n" + map) == [
                "/m.yaml:6:1: configmap default/a stands here twice; rename or remove one"
            ])
    }

    @Test func aPodNamedTwiceInOneFileIsRefused() {
        #expect(problems(pod("a") + "\n---\n" + pod("a")).contains { $0.contains("twice") })
    }

    @Test(arguments: ["{", "a: [", "\"", "\u{0}", "%", "kind: Pod\n  x: y", "- - - ", "&a [*a]"])
    func textThatIsNoManifestIsRefusedWithoutHarm(text: String) {
        #expect(!problems(text).isEmpty)
    }

    @Test func whichVolumesOfImagesLeaveThePullPolicyOpenIsKnown() throws {
        let text = """
            {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: a}], volumes: [
            {name: i, image: {reference: a}}, {name: j, image: {reference: 'a:1', pullPolicy: ''}},
            {name: k, image: {reference: a, pullPolicy: Never}}, {name: e, emptyDir: {}}]}}
            """
        let pod = try #require(try ManifestReader.read(Array(text.utf8), path: "p.yaml").pods.first)
        #expect(pod.openVolumePolicies == ["i", "j"])
        #expect(pod.pod.spec.volumes.map(\.image?.pullPolicy) == [.always, .ifNotPresent, .never, nil])
    }

    @Test func whichContainersLeaveThePullPolicyOpenIsKnown() throws {
        let text = """
            {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {initContainers: [{name: i, image: a}],
            containers: [{name: a, image: a}, {name: b, image: a, imagePullPolicy: Always}, {name: c, image: a,
            imagePullPolicy: null}]}}
            """
        let pod = try #require(try ManifestReader.read(Array(text.utf8), path: "p.yaml").pods.first)
        #expect(pod.openPullPolicies == ["i", "a", "c"])
        #expect(pod.pod.spec.containers.map(\.imagePullPolicy) == [.always, .always, .always])
    }
}
