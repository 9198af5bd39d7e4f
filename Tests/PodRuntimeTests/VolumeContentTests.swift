import Kube
import Testing

@testable import PodRuntime

@Suite struct VolumeContentTests {
    private static let objects = DataObjects([
        DataObject(
            .configMap, ObjectMeta(name: "m", namespace: "prod"), data: ["a": [1], "b": [2]], binaryData: ["c": [3]]),
        DataObject(.secret, ObjectMeta(name: "s", namespace: "prod"), data: ["a": [4]]),
    ])

    private func content(_ volume: ProjectedFiles) throws(ContainerConfigError) -> [String: VolumeContent.File] {
        var container = Container(name: "c", image: "i")
        container.resources = ResourceRequirements(limits: ["cpu": Quantity(milli: 1500)])
        return try VolumeContent(
            volume, of: EnvironmentBuilderTests.pod([container]), node: EnvironmentBuilderTests.node,
            objects: Self.objects
        ).files
    }

    private func volume(_ source: DataVolumeSource, mode: Int32 = 0o644) -> ProjectedFiles {
        ProjectedFiles(.projected, [.init(data: source)], defaultMode: mode)
    }

    @Test func aWholeObjectIsAFileAKey() throws {
        let files = try content(volume(DataVolumeSource(.configMap, name: "m"), mode: 0o440))
        #expect(files == ["a": .init([1], mode: 0o440), "b": .init([2], mode: 0o440), "c": .init([3], mode: 0o440)])
    }

    @Test func itemsSayWhichWhereAndHow() throws {
        let items = [KeyToPath(key: "c", path: "deep/er/x", mode: 0o400), KeyToPath(key: "a", path: "y")]
        let files = try content(volume(DataVolumeSource(.configMap, name: "m", items: items)))
        #expect(files == ["deep/er/x": .init([3], mode: 0o400), "y": .init([1], mode: 0o644)])
    }

    @Test func sourcesAreTogetherInOneVolumeAndALaterOneGoesBefore() throws {
        let files = try content(
            ProjectedFiles(
                .projected,
                [
                    .init(data: DataVolumeSource(.configMap, name: "m")),
                    .init(data: DataVolumeSource(.secret, name: "s")),
                    .init(downwardAPI: [.init(path: "n", fieldRef: ObjectFieldSelector(fieldPath: "metadata.name"))]),
                ]))
        #expect(files.mapValues(\.bytes) == ["a": [4], "b": [2], "c": [3], "n": Array("web".utf8)])
    }

    @Test(arguments: [
        (DataVolumeSource(.configMap, name: "none"), "configmap \"none\" not found"),
        (DataVolumeSource(.secret, name: "none"), "secret \"none\" not found"),
        (
            DataVolumeSource(.secret, name: "s", items: [KeyToPath(key: "k", path: "k")]),
            "references non-existent secret key: k"
        ),
        (
            DataVolumeSource(.configMap, name: "m", items: [KeyToPath(key: "k", path: "k")]),
            "configmap references non-existent config key: k"
        ),
    ])
    func whatIsMissingIsSaidInTheKubeletsWordsUnlessItIsOptional(source: DataVolumeSource, message: String) throws {
        let error = #expect(throws: ContainerConfigError.self) { try content(volume(source)) }
        #expect(error?.message == message)
        var source = source
        source.optional = true
        #expect(try content(volume(source)) == [:])
    }

    @Test func whatIsOfThePodIsWrittenAsTheKubeletWritesIt() throws {
        let files = try content(
            ProjectedFiles(
                .downwardAPI,
                [
                    .init(downwardAPI: [
                        .init(path: "labels", fieldRef: ObjectFieldSelector(fieldPath: "metadata.labels")),
                        .init(path: "one", fieldRef: ObjectFieldSelector(fieldPath: "metadata.annotations['note']")),
                        .init(
                            path: "cpu",
                            resourceFieldRef: ResourceFieldSelector(resource: "limits.cpu", containerName: "c"),
                            mode: 0o400),
                    ])
                ]))
        #expect(
            files.mapValues { String(decoding: $0.bytes, as: UTF8.self) } == [
                "labels": "a.b/c=\"x\"\napp=\"shop\"", "one": "hello", "cpu": "2",
            ])
        #expect(files["cpu"]?.mode == 0o400)
    }

    @Test(arguments: [
        ("plain", "\"plain\""), ("a\"b\\c", #""a\"b\\c""#), ("two\nlines\t", #""two\nlines\t""#), ("ä→", "\"ä→\""),
        ("\u{1}\u{7F}", #""\x01\x7f""#), ("\u{200B}", #""\u200b""#), ("\u{E0001}", #""\U000e0001""#),
    ])
    func valuesAreQuotedAsGoDoes(text: String, quoted: String) {
        #expect(VolumeContent.quoted(text) == quoted)
    }
}
