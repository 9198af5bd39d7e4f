import JSON
import Kube
import Testing
import YAML

@Suite("Lists are taken apart")
struct ManifestObjectsTests {
    @Test("A List and a PodList give their items, everything else itself")
    func split() throws {
        let list = try yaml("{apiVersion: v1, kind: List, metadata: {}, items: [{kind: Pod}, {kind: Job}]}")
        #expect(try ManifestObjects.split(list) == [["kind": "Pod"], ["kind": "Job"]])
        let pods = try yaml("{apiVersion: v1, kind: PodList, items: [{metadata: {name: p}}]}")
        let item = try #require(try ManifestObjects.split(pods).first)
        #expect(item["kind"] == "Pod")
        #expect(item["apiVersion"] == "v1")
        #expect(item.position == SourcePosition(line: 1, column: 41))
        #expect(try ManifestObjects.split(["kind": "Pod"]) == [["kind": "Pod"]])
        #expect(try ManifestObjects.split("text") == ["text"])
        #expect(try ManifestObjects.split(try yaml("{apiVersion: v1, kind: List, items: []}")).isEmpty)
        #expect(try ManifestObjects.split(try yaml("{apiVersion: v1, kind: List, items: null}")).isEmpty)
    }

    @Test(
        "A list that is none is refused with its place",
        arguments: [
            ("{apiVersion: v1, kind: List, items: {}}", "1:37: items: expected a list, found an object"),
            ("{apiVersion: v1, kind: List}", "1:1: items: missing; a list of nothing is written as items: []"),
            ("{apiVersion: v1, kind: List, item: []}", "1:30: item: unknown field"),
            (
                "{apiVersion: v1, kind: List, items: [{kind: List}]}",
                "1:38: items[0]: a list inside a list; take its items out"
            ),
        ])
    func refused(_ text: String, _ message: String) throws {
        let value = try yaml(text)
        do {
            _ = try ManifestObjects.split(value)
            Issue.record("accepted")
        } catch {
            #expect(error.description == message)
        }
    }
}
