/// The shape and the classes of v1 PersistentVolume and v1 PersistentVolumeClaim. Types that pods have, too, stand in
/// `PodSchema`.
enum StorageSchema {
    /// As `PodSchema.fields`.
    private static let schema = PodSchema(
        """
        LocalVolumeSource fsType:s path:s!
        ObjectReference apiVersion:s fieldPath:s kind:s name:s namespace:s resourceVersion:s uid:s
        PersistentVolume apiVersion:s kind:s metadata:ObjectMeta spec:PersistentVolumeSpec status:j
        PersistentVolumeClaim apiVersion:s kind:s metadata:ObjectMeta spec:PersistentVolumeClaimSpec status:j
        PersistentVolumeSpec accessModes:[s] awsElasticBlockStore:j azureDisk:j azureFile:j capacity:{q} cephfs:j
          cinder:j claimRef:ObjectReference csi:j fc:j flexVolume:j flocker:j gcePersistentDisk:j glusterfs:j
          hostPath:HostPathVolumeSource iscsi:j local:LocalVolumeSource mountOptions:[s] nfs:j
          nodeAffinity:VolumeNodeAffinity persistentVolumeReclaimPolicy:s photonPersistentDisk:j portworxVolume:j
          quobyte:j rbd:j scaleIO:j storageClassName:s storageos:j volumeAttributesClassName:s volumeMode:s
          vsphereVolume:j
        VolumeNodeAffinity required:NodeSelector
        """)
    static let types = schema.types

    /// The kinds of storage that are not mounted.
    static let foreignSources = [
        "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker",
        "gcePersistentDisk", "glusterfs", "iscsi", "nfs", "photonPersistentDisk", "portworxVolume", "quobyte", "rbd",
        "scaleIO", "storageos", "vsphereVolume",
    ]

    /// As `FieldTable.classes`.
    static let classes: [String: FieldClasses] = [
        DataObject.Kind.volume.rawValue: FieldClasses(
            supported: ["apiVersion", "kind", "metadata", "spec"], withoutEffect: ["status": "the node writes it"]),
        DataObject.Kind.claim.rawValue: FieldClasses(
            supported: ["apiVersion", "kind", "metadata", "spec"], withoutEffect: ["status": "the node writes it"]),
        "PersistentVolumeSpec": FieldClasses(
            supported: [
                "accessModes", "capacity", "claimRef", "hostPath", "local", "nodeAffinity",
                "persistentVolumeReclaimPolicy", "storageClassName", "volumeMode",
            ],
            refused: Dictionary(
                foreignSources.map {
                    ($0, "this kind of storage is not mounted; mount it on the node and use local or hostPath")
                }, uniquingKeysWith: { $1 }
            ).merging(
                [
                    "mountOptions": "a folder of the node is not mounted anew; remove them",
                    "volumeAttributesClassName": "no driver changes volumes here; remove it",
                ], uniquingKeysWith: { $1 })),
        "LocalVolumeSource": FieldClasses(
            supported: ["path"],
            refused: ["fsType": "block devices are not mounted; mount it on the node and name the folder"]),
        "ObjectReference": FieldClasses(
            supported: ["name", "namespace"],
            withoutEffect: [
                "apiVersion": server, "fieldPath": server, "kind": "only a claim can have a volume",
                "resourceVersion": server, "uid": "claims are known by their names here",
            ]),
        "VolumeNodeAffinity": FieldClasses(supported: ["required"]),
        "NodeSelector": FieldClasses(supported: ["nodeSelectorTerms"]),
        "NodeSelectorTerm": FieldClasses(
            supported: ["matchExpressions"],
            refused: ["matchFields": "use the label kubernetes.io/hostname in matchExpressions"]),
        "NodeSelectorRequirement": FieldClasses(supported: ["key", "operator", "values"]),
        "PersistentVolumeClaimSpec": FieldClasses(
            supported: ["accessModes", "resources", "selector", "storageClassName", "volumeMode", "volumeName"],
            refused: [
                "dataSource": "volumes are not filled from others; remove it",
                "dataSourceRef": "volumes are not filled from others; remove it",
                "volumeAttributesClassName": "no driver changes volumes here; remove it",
            ]),
        "VolumeResourceRequirements": FieldClasses(
            supported: ["requests"], withoutEffect: ["limits": "the request is what a volume must have"]),
        "LabelSelector": FieldClasses(supported: ["matchExpressions", "matchLabels"]),
        "LabelSelectorRequirement": FieldClasses(supported: ["key", "operator", "values"]),
    ]

    private static let server = "it is an API server's"

    /// As `FieldValues.table`.
    static let values: [String: FieldValues] = [
        "PersistentVolumeSpec.volumeMode": mode, "PersistentVolumeClaimSpec.volumeMode": mode,
        "PersistentVolumeSpec.persistentVolumeReclaimPolicy": FieldValues(
            ["Retain"],
            refused: [
                "Delete": "what a volume holds is never removed by this node; use Retain",
                "Recycle": "what a volume holds is never removed by this node; use Retain",
            ]),
        "NodeSelectorRequirement.operator": FieldValues(
            LabelRequirements.Operator.self,
            refused: ["Gt": "no label of the node is a number", "Lt": "no label of the node is a number"]),
        "LabelSelectorRequirement.operator": FieldValues(LabelRequirements.Operator.self),
    ]

    private static let mode = FieldValues(
        ["Filesystem"], refused: ["Block": "there are no block volumes; use Filesystem"])
}
