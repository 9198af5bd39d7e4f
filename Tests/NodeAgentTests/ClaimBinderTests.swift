import Kube
import Testing

@testable import NodeAgent

/// Which claim gets which volume.
@Suite struct ClaimBinderTests {
    private static let labels = ["kubernetes.io/hostname": "n"]

    private func volume(
        _ name: String, _ size: String, modes: Set<AccessMode> = [.readWriteOnce], class storageClass: String = "",
        claim: String? = nil, labels: [String: String] = [:], nodes: NodeSelector? = nil
    ) -> DataObject {
        var object = DataObject(.volume, ObjectMeta(name: name, labels: labels))
        object.volume = PersistentVolume(
            .local(path: "/" + name), capacity: Quantity(size)!, accessModes: modes, storageClass: storageClass,
            claim: claim.map { .init(namespace: "ns", name: $0) }, nodes: nodes)
        return object
    }

    private func claim(
        _ name: String, _ size: String, modes: Set<AccessMode> = [.readWriteOnce], class storageClass: String = "",
        volume: String = "", selector: LabelRequirements? = nil
    ) -> DataObject {
        var object = DataObject(.claim, ObjectMeta(name: name, namespace: "ns"))
        object.claim = PersistentVolumeClaim(
            request: Quantity(size)!, accessModes: modes, storageClass: storageClass, selector: selector,
            volumeName: volume)
        return object
    }

    private func key(_ name: String) -> DataObject.Key { DataObject.Key(.claim, namespace: "ns", name: name) }

    /// The volume of each claim that is bound, or why it is not.
    private func outcome(_ objects: DataObjects) -> [String: String] {
        Dictionary(
            objects.all(.claim).map { object in
                let claim = object.claim
                return (object.key.name, claim?.phase == .bound ? claim?.volumeName ?? "" : claim?.message ?? "")
            }, uniquingKeysWith: { $1 })
    }

    private func bind(_ objects: [DataObject], _ before: [String: String] = [:]) -> [String: String] {
        var binder = ClaimBinder(
            Dictionary(before.map { (key($0), $1) }, uniquingKeysWith: { $1 }), labels: Self.labels)
        return outcome(binder.bind(DataObjects(objects), isWhole: true))
    }

    @Test func aClaimGetsTheSmallestVolumeThatFitsAndEachVolumeHasOneClaim() {
        let volumes = [volume("big", "100Gi"), volume("b", "10Gi"), volume("a", "10Gi"), volume("tiny", "1Gi")]
        let claims = [claim("x", "5Gi"), claim("y", "5Gi"), claim("z", "5Gi"), claim("w", "1Gi")]
        #expect(bind(volumes + claims) == ["w": "tiny", "x": "a", "y": "b", "z": "big"])
        // Whatever the order in which they are told.
        #expect(bind((volumes + claims).reversed()) == ["w": "tiny", "x": "a", "y": "b", "z": "big"])
    }

    @Test func whatDoesNotFitIsNotTakenAndSaidInTheWordsOfKubernetes() {
        let here = NodeSelector([LabelRequirements([.init("kubernetes.io/hostname", .in, ["n"])])])
        let elsewhere = NodeSelector([LabelRequirements([.init("kubernetes.io/hostname", .in, ["m"])])])
        let ssd = LabelRequirements([.init("disk", .in, ["ssd"])])
        let none = "no persistent volumes available for this claim"
        #expect(bind([claim("c", "1Gi")]) == ["c": none])
        #expect(bind([claim("c", "2Gi"), volume("v", "1Gi")]) == ["c": none + " (v: requested PV is too small)"])
        #expect(
            bind([claim("c", "1Gi", class: "fast"), volume("v", "1Gi")])
                == ["c": none + " (v: storageClassName does not match)"])
        #expect(
            bind([claim("c", "1Gi", modes: [.readWriteMany]), volume("v", "1Gi")])
                == ["c": none + " (v: incompatible accessMode)"])
        #expect(
            bind([claim("c", "1Gi"), volume("v", "1Gi", nodes: elsewhere)])
                == ["c": none + " (v: node had volume node affinity conflict)"])
        #expect(
            bind([claim("c", "1Gi", selector: ssd), volume("v", "1Gi")])
                == ["c": none + " (v: its labels are not selected)"])
        #expect(
            bind([claim("c", "1Gi", selector: ssd), volume("v", "1Gi", labels: ["disk": "ssd"], nodes: here)])
                == ["c": "v"])
    }

    @Test func aVolumeThatIsReservedIsNobodyElsesAndOneThatIsNamedIsTakenOrWaitedFor() {
        let reserved = volume("a", "1Gi", claim: "z")
        #expect(bind([reserved, volume("b", "9Gi"), claim("x", "1Gi"), claim("z", "1Gi")]) == ["x": "b", "z": "a"])
        #expect(bind([reserved, claim("x", "1Gi")])["x"]?.contains("a has another claim") == true)
        let named = claim("x", "1Gi", volume: "v")
        #expect(bind([named, volume("a", "1Gi")]) == ["x": "persistentvolume \"v\" not found"])
        #expect(bind([named, volume("v", "5Gi"), volume("a", "1Gi"), claim("w", "1Gi")]) == ["x": "v", "w": "a"])
        #expect(
            bind([named, volume("v", "1Gi", claim: "z")]) == ["x": "volume \"v\" already bound to a different claim."])
        #expect(
            bind([named, volume("v", "1Mi")])
                == ["x": "Cannot bind to requested volume \"v\": requested PV is too small"])
    }

    @Test func aClaimKeepsItsVolumeWhateverElseComes() {
        let (old, new) = (volume("old", "9Gi"), volume("new", "1Gi"))
        #expect(bind([claim("c", "1Gi"), old, new], ["c": "old"]) == ["c": "old"])
        #expect(bind([claim("a", "1Gi"), claim("c", "1Gi"), old], ["c": "old"])["c"] == "old")
        // Only its own word, or its volume's, takes it away.
        #expect(bind([claim("c", "1Gi", volume: "new"), old, new], ["c": "old"]) == ["c": "new"])
        #expect(bind([claim("c", "1Gi"), volume("old", "9Gi", claim: "x"), new], ["c": "old"]) == ["c": "new"])
    }

    @Test func whatIsNotThereForAWhileIsNotForgottenAndWhatIsGoneForGoodIs() {
        var binder = ClaimBinder([key("c"): "v"], labels: [:])
        // The volume is gone: the claim is lost, and does not get another's data.
        var objects = binder.bind(DataObjects([claim("c", "1Gi"), volume("w", "1Gi")]), isWhole: true)
        #expect(objects[key("c")]?.claim?.phase == .lost)
        // The claim is gone: the volume is nobody else's.
        objects = binder.bind(DataObjects([claim("d", "1Gi"), volume("v", "1Gi")]), isWhole: true)
        #expect(objects[key("d")]?.claim?.phase == .pending)
        let name = DataObject.Key(.volume, namespace: "", name: "v")
        #expect(objects[name]?.volume?.phase == .released)
        // Both are in a file that cannot be read.
        _ = binder.bind(DataObjects(), isWhole: false)
        #expect(binder.bindings == [key("c"): "v"])
        objects = binder.bind(DataObjects([claim("c", "1Gi"), volume("v", "1Gi"), volume("a", "1Gi")]), isWhole: true)
        #expect(objects[key("c")]?.claim?.volumeName == "v" && objects[name]?.volume?.phase == .bound)
        _ = binder.bind(DataObjects(), isWhole: true)
        #expect(binder.bindings.isEmpty)
    }
}
