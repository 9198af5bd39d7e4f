import JSON
import Kube
import PodSources
import Testing

@testable import NodeAgent

/// What an edit of a manifest asks of the pod that runs it.
@Suite struct PodEditTests {
    /// A manifest as its file has it.
    private func manifest(_ metadata: String = "", _ more: String = "", image: String = "busybox:1") throws
        -> ManifestPod
    {
        let text = """
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"\(metadata)}, "spec": {
            "initContainers": [{"name": "i", "image": "busybox:1"}],
            "containers": [{"name": "a", "image": "\(image)"\(more)}, {"name": "b", "image": "busybox:1"}]}}
            """
        return try ManifestReader.read(JSONParser.parse(Array(text.utf8)))
    }

    private func edit(_ new: ManifestPod) throws -> PodEdit { PodEdit(from: try manifest(), to: new) }

    @Test func metadataTouchesNothingThatRuns() throws {
        #expect(try edit(manifest()) == .metadata)
        #expect(try edit(manifest(#", "labels": {"a": "b"}, "annotations": {"c": "d"}"#)) == .metadata)
        // What Kubernetes' defaults say as well is no change.
        #expect(try edit(manifest("", #", "imagePullPolicy": "IfNotPresent""#)) == .metadata)
    }

    @Test func imagesAreOfTheirContainers() throws {
        #expect(try edit(manifest(image: "busybox:2")) == .images(["a"]))
        // The default of the pull policy goes with the tag: that is no edit of its own.
        #expect(try edit(manifest(image: "busybox:latest")) == .images(["a"]))
        #expect(try edit(manifest(#", "labels": {"a": "b"}"#, image: "busybox:2")) == .images(["a"]))
    }

    @Test func everythingElseIsAnotherInstance() throws {
        for more in [
            #", "args": ["x"]"#, #", "imagePullPolicy": "Always""#, #", "env": [{"name": "A", "value": "b"}]"#,
        ] {
            #expect(try edit(manifest("", more)) == .replacement, "\(more)")
            #expect(try edit(manifest("", more, image: "busybox:2")) == .replacement, "\(more)")
        }
    }
}
