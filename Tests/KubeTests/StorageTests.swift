import JSON
import Testing
import YAML

@testable import Kube

@Suite("PersistentVolumes and claims are read strictly")
struct StorageTests {
    private func read(_ text: String) throws -> DataObject {
        let value = try yaml(text)
        let kind = try #require(DataObjectDecoder.kind(value))
        return try DataObjectDecoder.decode(value, as: kind).object
    }

    private static let volume = """
        apiVersion: v1
        kind: PersistentVolume
        metadata: {name: disk-1, labels: {disk: ssd}}
        spec:
          capacity: {storage: 10Gi}
          accessModes: [ReadWriteOnce, ReadOnlyMany]
          storageClassName: fast
          volumeMode: Filesystem
          persistentVolumeReclaimPolicy: Retain
          claimRef: {name: data, namespace: shop}
          local: {path: /srv/disk-1}
          nodeAffinity:
            required:
              nodeSelectorTerms:
              - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node-1]}]
        """

    private static let claim = """
        apiVersion: v1
        kind: PersistentVolumeClaim
        metadata: {name: data, namespace: shop}
        spec:
          accessModes: [ReadWriteOnce]
          resources: {requests: {storage: 8Gi}}
          storageClassName: fast
          volumeMode: Filesystem
          volumeName: disk-1
          selector:
            matchLabels: {disk: ssd}
            matchExpressions: [{key: old, operator: DoesNotExist}, {key: disk, operator: In, values: [ssd]}]
        """

    @Test("A local volume and a claim are what their manifests say")
    func whole() throws {
        let volume = try read(Self.volume)
        #expect(volume.key.description == "persistentvolume disk-1")
        #expect(volume.volume?.source == .local(path: "/srv/disk-1"))
        #expect(volume.volume?.capacity == Quantity("10Gi") && volume.volume?.storageClass == "fast")
        #expect(volume.volume?.accessModes == [.readWriteOnce, .readOnlyMany])
        #expect(volume.volume?.claim == .init(namespace: "shop", name: "data"))
        #expect(volume.volume?.nodes?.matches(["kubernetes.io/hostname": "node-1"]) == true)
        #expect(volume.volume?.nodes?.matches(["kubernetes.io/hostname": "node-2"]) == false)
        #expect(volume.shown["status"]?["phase"] == "Available")
        let claim = try read(Self.claim)
        #expect(claim.key.description == "persistentvolumeclaim shop/data")
        #expect(claim.claim?.request == Quantity("8Gi") && claim.claim?.volumeName == "disk-1")
        #expect(claim.claim?.selector?.matches(["disk": "ssd"]) == true)
        #expect(claim.claim?.selector?.matches(["disk": "ssd", "old": "1"]) == false)
        #expect(claim.shown["spec"]?["volumeName"] == "disk-1")
    }

    @Test("Every supported field reaches the object: without it another comes out, or none")
    func everySupportedFieldMatters() throws {
        // Its only value is its default.
        let constant: Set = [
            "PersistentVolumeSpec.volumeMode", "PersistentVolumeClaimSpec.volumeMode",
            "PersistentVolumeSpec.persistentVolumeReclaimPolicy", "PersistentVolume.kind", "PersistentVolumeClaim.kind",
        ]
        let host = Self.volume.replacing("local: {path: /srv/disk-1}", with: "hostPath: {path: /srv, type: Directory}")
        var covered: Set<String> = []
        for text in [Self.volume, host, Self.claim] {
            let manifest = try yaml(text)
            let kind = try #require(DataObjectDecoder.kind(manifest))
            let whole = try DataObjectDecoder.decode(manifest, as: kind).object
            ManifestFields.visit(manifest, kind.rawValue) { type, field, path in
                guard case .supported = StorageSchema.classes[type]?(field) else { return }
                covered.insert("\(type).\(field)")
                if constant.contains("\(type).\(field)") { return }
                let less = ManifestFields.removing(path[...], from: manifest)
                var decoded = try? DataObjectDecoder.decode(less, as: kind).object
                // What is kept for printing does not count.
                decoded?.volume?.spec = whole.volume?.spec ?? JSONObject()
                decoded?.claim?.spec = whole.claim?.spec ?? JSONObject()
                #expect(decoded != whole, "\(path) does not matter")
            }
        }
        let supported = StorageSchema.classes.flatMap { type, classes in classes.supported.map { "\(type).\($0)" } }
        #expect(covered == Set(supported))
    }

    @Test("Each field has exactly one class")
    func complete() {
        for (type, classes) in StorageSchema.classes {
            let fields = (PodSchema.shared.types[type] ?? StorageSchema.types[type] ?? []).map(\.name)
            let listed = classes.supported + classes.withoutEffect.keys + classes.refused.keys
            #expect(Set(fields) == Set(listed), "\(type)")
            #expect(listed.count == Set(listed).count, "\(type) has a field in two classes")
        }
    }

    private static let volumeHead = "kind: PersistentVolume, metadata: {name: v}, spec: {"
    private static let sized = "capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], "

    @Test(
        "What is wrong is named with its place, in Kubernetes' words",
        arguments: [
            (volumeHead + "}", "spec.accessModes: Required value"),
            (volumeHead + "}", "spec.capacity: Required value"),
            (volumeHead + "}", "spec: Required value: must specify a volume type"),
            (volumeHead + sized + "local: {path: /a}}", "spec.nodeAffinity: Required value: Local volume requires"),
            (volumeHead + sized + "local: {path: a}}", "spec.local.path: Invalid value: \"a\": must be an absolute"),
            (volumeHead + sized + "hostPath: {path: /a/../b}}", "spec.hostPath.path: Invalid value"),
            (
                volumeHead + sized + "hostPath: {path: /a}, local: {path: /b}}",
                "spec.local: Forbidden: may not specify more than 1 volume type"
            ),
            (volumeHead + sized + "nfs: {server: a, path: /b}}", "spec.nfs: not supported: this kind of storage"),
            (volumeHead + sized + "csi: {driver: a}}", "spec.csi: not supported: this kind of storage"),
            (volumeHead + sized + "hostPath: {path: /a}, mountOptions: [ro]}", "spec.mountOptions: not supported"),
            (
                volumeHead + sized + "hostPath: {path: /a}, volumeMode: Block}",
                "spec.volumeMode: Block is not supported: there are no block volumes"
            ),
            (
                volumeHead + sized + "hostPath: {path: /a}, persistentVolumeReclaimPolicy: Delete}",
                "Delete is not supported: what a volume holds is never removed"
            ),
            (
                volumeHead + sized + "hostPath: {path: /a}, nodeAffinity: {}}",
                "spec.nodeAffinity.required: Required value: must specify required node constraints"
            ),
            (
                volumeHead + sized + "hostPath: {path: /a}, nodeAffinity: {required: {nodeSelectorTerms: "
                    + "[{matchExpressions: [{key: a, operator: Gt, values: ['1']}]}]}}}",
                "Gt is not supported: no label of the node is a number"
            ),
            (
                volumeHead + sized + "hostPath: {path: /a}, nodeAffinity: {required: {nodeSelectorTerms: "
                    + "[{matchExpressions: [{key: a, operator: In}]}]}}}",
                "Required value: must be specified when `operator` is 'In' or 'NotIn'"
            ),
            (
                "kind: PersistentVolume, metadata: {name: v, namespace: x}, spec: {" + sized + "hostPath: {path: /a}}",
                "metadata.namespace: Forbidden: not allowed on this type"
            ),
            (
                volumeHead + "capacity: {storage: 0}, accessModes: [ReadWriteOnce], hostPath: {path: /a}}",
                "spec.capacity[storage]: Invalid value: \"0\": must be greater than zero"
            ),
            (
                volumeHead + "capacity: {cpu: 1}, accessModes: [ReadWriteOnce], hostPath: {path: /a}}",
                "spec.capacity: Unsupported value: \"cpu\": supported values: \"storage\""
            ),
            (
                volumeHead + "capacity: {storage: 1}, accessModes: [Often], hostPath: {path: /a}}",
                "spec.accessModes[0]: Unsupported value: \"Often\""
            ),
            (
                volumeHead + "capacity: {storage: 1}, accessModes: [ReadWriteOnce, ReadWriteOncePod], "
                    + "hostPath: {path: /a}}",
                "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"
            ),
            (
                "kind: PersistentVolumeClaim, metadata: {name: c}, spec: {}",
                "spec.accessModes: Required value: at least 1 access mode is required"
            ),
            (
                "kind: PersistentVolumeClaim, metadata: {name: c}, spec: {accessModes: [ReadWriteOnce]}",
                "spec.resources.requests[storage]: Required value"
            ),
            (
                "kind: PersistentVolumeClaim, metadata: {name: c}, spec: {accessModes: [ReadWriteOnce], "
                    + "resources: {requests: {storage: 1}}, dataSource: {kind: a, name: b}}",
                "spec.dataSource: not supported"
            ),
            ("kind: PersistentVolumeClaim, metadata: {name: C}, spec: {}", "metadata.name: Invalid value"),
            ("kind: PersistentVolumeClaim, metadata: {name: c}, data: {}", "data: unknown field"),
        ])
    func mistakes(_ text: String, _ message: String) throws {
        do {
            _ = try read("{apiVersion: v1, \(text)}")
            Issue.record("it is accepted")
        } catch let error as PodDecodingError {
            let all = error.issues.map(\.description)
            #expect(all.contains { $0.contains(message) }, "\(all)")
        }
    }

    @Test("A claim of a pod needs a name, and is one of the pod's references")
    func ofPods() throws {
        let good = try decode(pod(spec: "volumes: [{name: v, persistentVolumeClaim: {claimName: c}}],")).pod
        #expect(good.references == [DataObject.Key(.claim, namespace: "default", name: "c")])
        #expect(!good.spec.volumes[0].isReadOnly)
        do {
            _ = try decode(pod(spec: "volumes: [{name: v, persistentVolumeClaim: {claimName: ''}}],"))
            Issue.record("it is accepted")
        } catch let error as PodDecodingError {
            #expect(error.issues.contains { $0.description.contains("Claim.claimName: Required value") })
        }
    }
}
