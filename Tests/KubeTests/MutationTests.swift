import JSON
import Kube
import TestSupport
import Testing
import YAML

@Suite("No manifest crashes the decoder")
struct MutationTests {
    @Test(
        "Random changes of values and keys are decoded or refused, and what is decoded is printed and decoded the same")
    func mutations() throws {
        let manifests = [try yaml(completeManifest), try yaml(GoodManifestTests.exported)]
        var random = SplitMix(2026)
        var accepted = 0
        for n in 0..<2000 {
            var value = manifests[n % manifests.count]
            for _ in 0..<Int.random(in: 1...3, using: &random) { value = mutate(value, &random) }
            guard let pod = try? PodDecoder.decode(value).pod else { continue }
            accepted += 1
            #expect(try PodDecoder.decode(pod.json).pod == pod)
            _ = try? ManifestObjects.split(value)
        }
        // Most changes hit a field: both outcomes must be exercised.
        #expect((100...1900).contains(accepted))
    }

    private static let odd: [JSONValue] = [
        .null, true, 0, -1, .integer(Int64.max), .integer(Int64.min), JSONValue(.number("1e400")),
        JSONValue(.number("18446744073709551615")), "", "x", "\0", "../..", "/", "9Ei", "-1", "1e-400",
        .string(String(repeating: "é", count: 5000)), [], [.null], [:], ["name": "x"], [[[]]],
    ]

    private func mutate(_ value: JSONValue, _ random: inout SplitMix) -> JSONValue {
        let odd = Self.odd.randomElement(using: &random) ?? .null
        switch value.content {
        case .object(let object) where !object.isEmpty && Int.random(in: 0..<12, using: &random) > 0:
            var members = object.members
            let i = Int.random(in: 0..<members.count, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: members.remove(at: i)
            case 1: members[i].key = String(members[i].key.shuffled(using: &random))
            default: members[i].value = mutate(members[i].value, &random)
            }
            return JSONValue(.object(JSONObject(members)), at: value.position)
        case .array(var elements) where !elements.isEmpty && Int.random(in: 0..<12, using: &random) > 0:
            let i = Int.random(in: 0..<elements.count, using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0: elements.remove(at: i)
            case 1: elements.append(elements[i])
            default: elements[i] = mutate(elements[i], &random)
            }
            return JSONValue(.array(elements), at: value.position)
        default: return odd
        }
    }
}
