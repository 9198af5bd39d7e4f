import Base
import CLinux
import JSON
import Kube
import PodRuntime
import PodSources
import TestSupport
import Testing

@testable import NodeAgent

/// Claims as the node keeps them.
@Suite struct NodeClaimsTests {
    private static func wanted(_ volumes: [(String, String)], claims: [String] = ["c"]) -> [WantedObject] {
        let objects =
            volumes.map { name, size -> DataObject in
                var object = DataObject(.volume, ObjectMeta(name: name))
                object.volume = PersistentVolume(
                    .local(path: "/srv/" + name), capacity: Quantity(size)!, accessModes: [.readWriteOnce])
                return object
            }
            + claims.map { name -> DataObject in
                var object = DataObject(.claim, ObjectMeta(name: name, namespace: "ns"))
                object.claim = PersistentVolumeClaim(request: Quantity("1Gi")!, accessModes: [.readWriteOnce])
                return object
            }
        return objects.map { WantedObject(manifest: ManifestObject(value: .null, object: $0), path: "f") }
    }

    private static let claim = DataObject.Key(.claim, namespace: "ns", name: "c")

    @Test func aClaimHasItsVolumeAfterARestartOfTheAgentToo() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryDirectory()
            try LoopActor.run { _ in
                let store = folder.path + "/claims.json"
                let first = NodeObjects(store: store)
                #expect(first.set(Self.wanted([])).contains(Self.claim))
                #expect(first.current[Self.claim]?.claim?.phase == .pending)
                #expect(first.set(Self.wanted([("big", "9Gi")])).contains(Self.claim), "a pod that waits must know")
                #expect(first.current[Self.claim]?.claim?.volumeName == "big")
                let second = NodeObjects(store: store)
                _ = second.set(Self.wanted([("big", "9Gi"), ("small", "1Gi")]))
                #expect(second.current[Self.claim]?.claim?.volumeName == "big")
                // Who has a claim is told of its volume.
                let changed = second.set(Self.wanted([("big", "8Gi"), ("small", "1Gi")]))
                #expect(changed.contains(Self.claim))
            }
        }
    }

    @Test func whatCannotBeWrittenDownOrReadIsNotBoundAndTriedAgain() async {
        await #expect(processExitsWith: .success) {
            let folder = try TemporaryDirectory()
            try LoopActor.run { _ in
                let store = folder.path + "/none/claims.json"
                let objects = NodeObjects(store: store)
                var troubles = 0
                objects.onTrouble = { _ in troubles += 1 }
                _ = objects.set(Self.wanted([("v", "1Gi")]))
                #expect(objects.current[Self.claim]?.claim?.phase == .pending && troubles == 1)
                #expect(objects.current[Self.claim]?.claim?.message.contains("which claim has which volume") == true)
                try Files.makeDirectories(folder.path + "/none")
                objects.retry()
                #expect(objects.current[Self.claim]?.claim?.phase == .bound)
                // A newer agent's file is not taken for none.
                try folder.write("new.json", "{\"schema\": 99, \"claims\": []}")
                let other = NodeObjects(store: folder.path + "/new.json")
                _ = other.set(Self.wanted([("v", "1Gi")]))
                #expect(other.current[Self.claim]?.claim?.phase == .pending)
                #expect(try Files.readText(folder.path + "/new.json").contains("99"))
            }
        }
    }

    @Test func aClaimOfOnePodAtATimeIsFreeWhenThatPodIsGone() async {
        await #expect(processExitsWith: .success) {
            try LoopActor.run { _ in
                let uses = ClaimUses()
                var released: [DataObject.Key] = []
                uses.onRelease = { released.append($0) }
                #expect(uses.take(Self.claim, for: "a") && uses.take(Self.claim, for: "a"))
                #expect(!uses.take(Self.claim, for: "b"))
                uses.release("b")
                #expect(released == [] && !uses.take(Self.claim, for: "b"))
                uses.release("a")
                #expect(released == [Self.claim] && uses.take(Self.claim, for: "b"))
            }
        }
    }

    // MARK: Where they lie

    private func objects(_ source: PersistentVolume.Source, phase: PersistentVolumeClaim.Phase) -> DataObjects {
        var volume = DataObject(.volume, ObjectMeta(name: "v"))
        volume.volume = PersistentVolume(source, capacity: Quantity(1), accessModes: [.readWriteOnce])
        var claim = DataObject(.claim, ObjectMeta(name: "c", namespace: "ns"))
        claim.claim = PersistentVolumeClaim(request: Quantity(1), accessModes: [.readWriteOnce], volumeName: "v")
        claim.claim?.phase = phase
        claim.claim?.message = phase == .pending ? "nothing fits" : ""
        return DataObjects([volume, claim])
    }

    @Test func aClaimThatIsNotThereNotBoundOrWithoutItsFolderIsSaidInTheKubeletsWords() throws {
        let folder = try TemporaryDirectory()
        let volumes = PodVolumes(pods: folder.path + "/pods", journal: folder.path + "/mounts")
        let directory = try #require(PodDirectory(root: volumes.pods, uid: "u"))
        try Files.makeDirectories(directory.path)
        try folder.write("file", "")
        var spec = PodSpec(containers: [Container(name: "c", image: "i")])
        spec.securityContext.fsGroup = Int64(getegid())
        let pod = Pod(metadata: ObjectMeta(name: "p", namespace: "ns", uid: "u"), spec: spec)
        func prepare(_ objects: DataObjects, isNew: Bool = true) -> Result<String, VolumeError> {
            Result { () throws(VolumeError) in
                try volumes.prepare(
                    ClaimVolumeSource(claimName: "c"), "data", pod, directory, objects, isNew: isNew)
            }
        }
        func failure(_ objects: DataObjects) -> String? {
            if case .failure(let error) = prepare(objects) { return error.description }
            return nil
        }
        let here = PersistentVolume.Source.local(path: folder.path)
        #expect(failure(DataObjects()) == "persistentvolumeclaim \"c\" not found")
        #expect(
            failure(objects(here, phase: .pending))
                == "error processing PVC ns/c: PVC is not bound: nothing fits")
        #expect(failure(objects(here, phase: .lost))?.contains("has lost its persistentvolume \"v\"") == true)
        #expect(
            failure(objects(.local(path: "/none/such"), phase: .bound))
                == "MountVolume.NewMounter initialization failed for volume \"v\" : path \"/none/such\" does not exist")
        #expect(
            failure(objects(.local(path: folder.path + "/file"), phase: .bound))?.contains("is not a directory") == true
        )
        #expect(
            failure(objects(.hostPath(.init(path: folder.path + "/file", type: .directory)), phase: .bound))
                == "hostPath type check failed: \(folder.path)/file is not a directory")
        try Files.makeDirectories(folder.path + "/data")
        let place = PersistentVolume.Source.local(path: folder.path + "/data")
        #expect(try prepare(objects(place, phase: .bound)).get() == folder.path + "/data")
        // What runs keeps what it was given; what is new does not.
        #expect(try prepare(DataObjects(), isNew: false).get() == folder.path + "/data")
        #expect(failure(DataObjects()) == "persistentvolumeclaim \"c\" not found")
    }
}

@Suite struct VolumeOwnerTests {
    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    private func tree() throws -> TemporaryDirectory {
        let folder = try TemporaryDirectory()
        try folder.write("volume/deep/file", "x")
        try folder.write("outside/secret", "x")
        #expect(chmod(folder.path + "/volume/deep/file", 0o600) == 0)
        #expect(chmod(folder.path + "/volume/deep", 0o700) == 0)
        #expect(chmod(folder.path + "/outside", 0o700) == 0)
        #expect(chmod(folder.path + "/outside/secret", 0o600) == 0)
        return folder
    }

    @Test func allOfTheVolumeIsTheGroupsAndNothingThatLinksInItLeadTo() throws {
        let folder = try tree()
        let volume = folder.path + "/volume"
        #expect(symlink("../outside", volume + "/folder") == 0)
        #expect(symlink(folder.path + "/outside/secret", volume + "/deep/link") == 0)
        #expect(symlink("nothing", volume + "/dangling") == 0)
        #expect(mkfifo(volume + "/pipe", 0o600) == 0)
        try VolumeOwner(group: getegid()).apply(to: volume)
        #expect(mode(volume) & 0o2770 == 0o2770 && mode(volume + "/deep") == 0o2770)
        #expect(mode(volume + "/deep/file") == 0o660 && mode(volume + "/pipe") == 0o660)
        #expect(mode(folder.path + "/outside") == 0o700 && mode(folder.path + "/outside/secret") == 0o600)
    }

    @Test func onRootMismatchAsksTheVolumesFolderAlone() throws {
        let folder = try tree()
        let volume = folder.path + "/volume"
        let owner = VolumeOwner(group: getegid(), onlyOnRootMismatch: true)
        #expect(chmod(volume, 0o2775) == 0)
        try owner.apply(to: volume)
        #expect(mode(volume + "/deep") == 0o700)
        #expect(chmod(volume, 0o755) == 0)
        try owner.apply(to: volume)
        #expect(mode(volume + "/deep") == 0o2770)
    }

    @Test func aVolumeThatIsTooDeepIsRefusedAndHarmsNobody() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/v" + String(repeating: "/d", count: VolumeOwner.maximumDepth + 2)
        try Files.makeDirectories(path)
        let error = #expect(throws: SystemError.self) {
            try VolumeOwner(group: getegid()).apply(to: folder.path + "/v")
        }
        #expect(error?.errno == .nameTooLong)
    }
}
