/// The values of a field that has only a few.
struct FieldValues: Sendable {
    var supported: [String]
    /// Values that Kubernetes has and this node refuses: why, and what to do.
    var refused: [String: String] = [:]

    init<T: RawRepresentable<String> & CaseIterable>(_ type: T.Type, refused: [String: String] = [:]) {
        supported = type.allCases.map(\.rawValue).sorted()
        self.refused = refused
    }

    init(_ supported: [String], refused: [String: String] = [:]) {
        self.supported = supported
        self.refused = refused
    }

    /// By type and field. Absent and empty values are not asked about.
    static let table: [String: FieldValues] = [
        "Pod.apiVersion": FieldValues(["v1"]),
        "Pod.kind": FieldValues(["Pod"]),
        "PodSpec.restartPolicy": FieldValues(RestartPolicy.self),
        "PodSpec.dnsPolicy": FieldValues(DNSPolicy.self),
        "PodSecurityContext.fsGroupChangePolicy": FieldValues(FSGroupChangePolicy.self),
        "PodSecurityContext.supplementalGroupsPolicy": FieldValues(SupplementalGroupsPolicy.self),
        "PodOS.name": FieldValues(["linux"]),
        "Container.imagePullPolicy": FieldValues(PullPolicy.self),
        "EphemeralContainer.imagePullPolicy": FieldValues(PullPolicy.self),
        "EphemeralContainer.terminationMessagePolicy": FieldValues(TerminationMessagePolicy.self),
        "Container.restartPolicy": FieldValues(RestartPolicy.self),
        "ImageVolumeSource.pullPolicy": FieldValues(PullPolicy.self),
        "ContainerRestartRule.action": FieldValues(ContainerRestartRule.Action.self),
        "ContainerRestartRuleOnExitCodes.operator": FieldValues(ContainerRestartRule.Operator.self),
        "Container.terminationMessagePolicy": FieldValues(TerminationMessagePolicy.self),
        "ContainerPort.protocol": FieldValues(PortProtocol.self),
        "HTTPGetAction.scheme": FieldValues(HTTPGetAction.Scheme.self),
        "ObjectFieldSelector.apiVersion": FieldValues(["v1"]),
        "AppArmorProfile.type": FieldValues(AppArmorProfile.ProfileType.self),
        "SeccompProfile.type": FieldValues(SeccompProfile.ProfileType.self),
        "EmptyDirVolumeSource.medium": FieldValues(
            StorageMedium.self,
            refused: [
                "HugePages": "huge pages are not managed yet", "HugePages-2Mi": "huge pages are not managed yet",
                "HugePages-1Gi": "huge pages are not managed yet",
            ]),
        "VolumeMount.mountPropagation": FieldValues(MountPropagationMode.self),
        "VolumeMount.recursiveReadOnly": FieldValues(RecursiveReadOnlyMode.self),
        "HostPathVolumeSource.type": FieldValues(HostPathType.self),
    ]
}
