import JSON

/// The class of every field that a manifest can reach, type by type: the one place where it is said what this node
/// carries out. Below a field that is without effect or refused nothing more needs a class. docs/pod-fields.md is
/// printed from this table.
enum FieldTable {
    static let scheduler = "one node has no scheduler"
    private static let server = "it is an API server's"
    private static let ephemeral = "Forbidden: cannot be set for an Ephemeral Container"

    static let classes: [String: FieldClasses] = [
        "Pod": FieldClasses(
            supported: ["apiVersion", "kind", "metadata", "spec"],
            withoutEffect: ["status": "the node writes it"]),
        "ObjectMeta": FieldClasses(
            supported: ["annotations", "labels", "name", "namespace", "uid"],
            withoutEffect: [
                "creationTimestamp": server, "deletionGracePeriodSeconds": server, "deletionTimestamp": server,
                "finalizers": server, "generateName": "a manifest names its pod by metadata.name",
                "generation": server, "managedFields": server, "ownerReferences": server, "resourceVersion": server,
                "selfLink": server,
            ]),
        "PodSpec": FieldClasses(
            supported: [
                "activeDeadlineSeconds", "containers", "dnsConfig", "dnsPolicy", "hostAliases", "hostIPC",
                "hostNetwork",
                "hostPID", "hostname", "hostnameOverride", "imagePullSecrets", "initContainers", "priority",
                "priorityClassName", "readinessGates", "restartPolicy", "setHostnameAsFQDN", "subdomain",
                "securityContext", "shareProcessNamespace", "terminationGracePeriodSeconds", "volumes",
            ],
            withoutEffect: [
                "affinity": scheduler, "automountServiceAccountToken": server,
                "enableServiceLinks": "there are no services to link", "nodeName": "the pod runs where its manifest is",
                "nodeSelector": scheduler, "os": "every node is Linux", "preemptionPolicy": scheduler,
                "schedulerName": scheduler,
                "schedulingGates": scheduler, "schedulingGroup": scheduler, "serviceAccount": server,
                "serviceAccountName": "only the downward API reads it", "tolerations": scheduler,
                "topologySpreadConstraints": scheduler,
            ],
            refused: [
                "ephemeralContainers":
                    "Forbidden: cannot be set on create; give one to the running pod with `swiftlet debug`",
                "hostUsers": "user namespaces are not made yet; remove it to run with the node's user ids",
                "overhead": "it is not charged to the pod; remove it",
                "resourceClaims": "there is no dynamic resource allocation; remove them",
                "resources": "limits of a whole pod are not enforced yet; give them to the containers",
                "runtimeClassName": "there is one runtime; remove it",
            ],
            unless: ["hostUsers": [true], "overhead": [[:]], "resources": [[:]]]),
        "PodReadinessGate": FieldClasses(supported: ["conditionType"]),
        "PodDNSConfig": FieldClasses(supported: ["nameservers", "options", "searches"]),
        "PodDNSConfigOption": FieldClasses(supported: ["name", "value"]),
        "PodSecurityContext": FieldClasses(
            supported: [
                "appArmorProfile", "fsGroup", "fsGroupChangePolicy", "runAsGroup", "runAsNonRoot", "runAsUser",
                "seccompProfile", "supplementalGroups", "supplementalGroupsPolicy", "sysctls",
            ],
            withoutEffect: ["seLinuxChangePolicy": "it acts only with SELinux"],
            refused: [
                "seLinuxOptions": "SELinux labels are not set; remove it",
                "windowsOptions": "every node is Linux; remove it",
            ]),
        "Sysctl": FieldClasses(supported: ["name", "value"]),
        "HostAlias": FieldClasses(supported: ["hostnames", "ip"]),
        "Container": FieldClasses(
            supported: [
                "args", "command", "env", "envFrom", "image", "imagePullPolicy", "lifecycle", "livenessProbe", "name",
                "ports", "readinessProbe", "resources", "restartPolicy", "restartPolicyRules", "securityContext",
                "startupProbe", "stdin", "stdinOnce", "terminationMessagePath", "terminationMessagePolicy", "tty",
                "volumeMounts",
                "workingDir",
            ],
            withoutEffect: ["resizePolicy": "a changed manifest makes a new pod"],
            refused: [
                "volumeDevices": "there are no block volumes; mount the device's folder by hostPath"
            ]),
        "EphemeralContainer": FieldClasses(
            supported: [
                "args", "command", "env", "envFrom", "image", "imagePullPolicy", "name", "securityContext", "stdin",
                "stdinOnce", "targetContainerName", "terminationMessagePath", "terminationMessagePolicy", "tty",
                "volumeMounts", "workingDir",
            ],
            refused: [
                "lifecycle": ephemeral, "livenessProbe": ephemeral, "ports": ephemeral, "readinessProbe": ephemeral,
                "resizePolicy": ephemeral, "resources": ephemeral, "restartPolicy": ephemeral,
                "restartPolicyRules": ephemeral, "startupProbe": ephemeral,
                "volumeDevices": "there are no block volumes; mount the device's folder by hostPath",
            ],
            unless: ["resources": [[:]]]),
        "ContainerRestartRule": FieldClasses(supported: ["action", "exitCodes"]),
        "ContainerRestartRuleOnExitCodes": FieldClasses(supported: ["operator", "values"]),
        "Lifecycle": FieldClasses(supported: ["postStart", "preStop", "stopSignal"]),
        "LifecycleHandler": FieldClasses(supported: ["exec", "httpGet", "sleep", "tcpSocket"]),
        "SleepAction": FieldClasses(supported: ["seconds"]),
        "ContainerPort": FieldClasses(
            supported: ["containerPort", "hostIP", "hostPort", "name", "protocol"]),
        "Probe": FieldClasses(
            supported: [
                "exec", "failureThreshold", "grpc", "httpGet", "initialDelaySeconds", "periodSeconds",
                "successThreshold", "tcpSocket", "terminationGracePeriodSeconds", "timeoutSeconds",
            ]),
        "GRPCAction": FieldClasses(supported: ["port", "service"]),
        "ExecAction": FieldClasses(supported: ["command"]),
        "HTTPGetAction": FieldClasses(supported: ["host", "httpHeaders", "path", "port", "scheme"]),
        "HTTPHeader": FieldClasses(supported: ["name", "value"]),
        "TCPSocketAction": FieldClasses(supported: ["host", "port"]),
        "EnvVar": FieldClasses(supported: ["name", "value", "valueFrom"]),
        "EnvVarSource": FieldClasses(
            supported: ["configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"]),
        "FileKeySelector": FieldClasses(supported: ["key", "optional", "path", "volumeName"]),
        "EnvFromSource": FieldClasses(supported: ["configMapRef", "prefix", "secretRef"]),
        "ConfigMapEnvSource": FieldClasses(supported: ["name", "optional"]),
        "SecretEnvSource": FieldClasses(supported: ["name", "optional"]),
        "ConfigMapKeySelector": FieldClasses(supported: ["key", "name", "optional"]),
        "SecretKeySelector": FieldClasses(supported: ["key", "name", "optional"]),
        "LocalObjectReference": FieldClasses(supported: ["name"]),
        "ObjectFieldSelector": FieldClasses(supported: ["apiVersion", "fieldPath"]),
        "ResourceFieldSelector": FieldClasses(supported: ["containerName", "divisor", "resource"]),
        "ResourceRequirements": FieldClasses(
            supported: ["limits", "requests"],
            refused: ["claims": "there is no dynamic resource allocation; remove them"]),
        "VolumeMount": FieldClasses(
            supported: [
                "mountPath", "mountPropagation", "name", "readOnly", "recursiveReadOnly", "subPath", "subPathExpr",
            ]),
        "SecurityContext": FieldClasses(
            supported: [
                "allowPrivilegeEscalation", "appArmorProfile", "capabilities", "privileged", "readOnlyRootFilesystem",
                "runAsGroup", "runAsNonRoot", "runAsUser", "seccompProfile",
            ],
            refused: [
                "procMount":
                    "Unmasked needs a user namespace (hostUsers: false), which is not made yet; remove it",
                "seLinuxOptions": "SELinux labels are not set; remove it",
                "windowsOptions": "every node is Linux; remove it",
            ],
            unless: ["procMount": ["Default"]]),
        "Capabilities": FieldClasses(supported: ["add", "drop"]),
        "AppArmorProfile": FieldClasses(supported: ["localhostProfile", "type"]),
        "SeccompProfile": FieldClasses(supported: ["localhostProfile", "type"]),
        "Volume": FieldClasses(
            supported: [
                "configMap", "downwardAPI", "emptyDir", "hostPath", "image", "name", "persistentVolumeClaim",
                "projected", "secret",
            ],
            refused: volumes),
        "ConfigMapVolumeSource": FieldClasses(supported: ["defaultMode", "items", "name", "optional"]),
        "SecretVolumeSource": FieldClasses(supported: ["defaultMode", "items", "optional", "secretName"]),
        "DownwardAPIVolumeSource": FieldClasses(supported: ["defaultMode", "items"]),
        "DownwardAPIVolumeFile": FieldClasses(supported: ["fieldRef", "mode", "path", "resourceFieldRef"]),
        "ProjectedVolumeSource": FieldClasses(supported: ["defaultMode", "sources"]),
        "VolumeProjection": FieldClasses(
            supported: ["configMap", "downwardAPI", "secret"],
            refused: [
                "clusterTrustBundle": "it comes from an API server; put the certificates into a ConfigMap",
                "podCertificate": "it comes from an API server; put a certificate into a Secret",
                "serviceAccountToken": "there is no API server to give a token; remove it",
            ]),
        "ConfigMapProjection": FieldClasses(supported: ["items", "name", "optional"]),
        "SecretProjection": FieldClasses(supported: ["items", "name", "optional"]),
        "DownwardAPIProjection": FieldClasses(supported: ["items"]),
        "KeyToPath": FieldClasses(supported: ["key", "mode", "path"]),
        "EmptyDirVolumeSource": FieldClasses(supported: ["medium", "sizeLimit"]),
        "HostPathVolumeSource": FieldClasses(supported: ["path", "type"]),
        "PersistentVolumeClaimVolumeSource": FieldClasses(supported: ["claimName", "readOnly"]),
        "ImageVolumeSource": FieldClasses(supported: ["pullPolicy", "reference"]),
    ]

    /// What is to be said about supported fields beyond their name.
    static let notes: [String: String] = [
        "AppArmorProfile.localhostProfile":
            "the name of a profile in the kernel; until it is loaded (`apparmor_parser -r FILE`) the container waits",
        "AppArmorProfile.type":
            "with `RuntimeDefault` and `Localhost` the pod fails with the reason `AppArmor` where the kernel has no "
            + "AppArmor",
        "Container.imagePullPolicy":
            "default by the tag, as Kubernetes has it; an image that was loaded from an archive is then used as it is",
        "Container.restartPolicy":
            "replaces the pod's; an init container with `Always` is a sidecar: it runs beside the others and ends after them",
        "Container.stdinOnce": "a terminal has no end of input: with `tty` it is without meaning",
        "Container.livenessProbe": "not of init containers, as the two others",
        "ContainerRestartRule.action":
            "with `RestartAllContainers` all containers are killed and begin again in the same sandbox, a second after "
            + "the last has ended, however often that was before",
        "ContainerPort.containerPort": "information; with hostNetwork it is the host's port",
        "ContainerPort.hostPort": "with hostNetwork equal to containerPort",
        "EmptyDirVolumeSource.sizeLimit":
            "on disk where the node's file system has project quotas; else the event `LimitsNotEnforced` says so",
        "EnvVarSource.fieldRef": "as in the kubelet; `spec.serviceAccountName` is what the manifest says",
        "EnvVarSource.fileKeyRef": "lines `NAME='value'` of a file in an emptyDir, of at most 64 KiB",
        "EphemeralContainer.targetContainerName":
            "it sees the processes of that container as if it were part of it, and ends with its first process",
        "HTTPGetAction.host": "default the pod's address, with hostNetwork the node's; a name is resolved by the node",
        "HTTPGetAction.httpHeaders": "they replace `User-Agent: kube-probe/1.36` and `Accept: */*`",
        "HTTPGetAction.path": "default `/`",
        "HTTPGetAction.scheme": "default `HTTP`; the certificate is not verified",
        "ImageVolumeSource.pullPolicy": "as a container's `imagePullPolicy`",
        "ImageVolumeSource.reference":
            "resolved once for a pod, when the first container that mounts it starts; always read-only, without devices, "
            + "set-id bits and execution",
        "Lifecycle.stopSignal": "needs `spec.os.name`, as Kubernetes asks for it",
        "LifecycleHandler.httpGet": "any answer is a success, as for the kubelet",
        "LifecycleHandler.tcpSocket": "such a hook always fails, as with the kubelet",
        "ObjectMeta.namespace": "default `default`",
        "ObjectMeta.uid": "made up when it is missing",
        "Probe.failureThreshold": "default 3",
        "Probe.initialDelaySeconds": "from the start of the container",
        "Probe.periodSeconds": "default 10",
        "Probe.successThreshold": "default 1; of liveness and startup probes it is 1",
        "Probe.terminationGracePeriodSeconds": "not of readiness probes; default is the pod's",
        "Probe.timeoutSeconds": "default 1",
        "PodSecurityContext.fsGroup":
            "of emptyDir, configMap, secret, downwardAPI and projected volumes, and of claims with local volumes; hostPath "
            + "stays as it is",
        "PodSecurityContext.fsGroupChangePolicy": "of claims with local volumes; others are the group's from the start",
        "PersistentVolumeClaimVolumeSource.claimName":
            "of a PersistentVolumeClaim in the pod's namespace, from a manifest as the pod; so are PersistentVolumes, of "
            + "which `local` and `hostPath` ones are mounted",
        "PodSecurityContext.appArmorProfile":
            "default `RuntimeDefault` where the kernel has AppArmor and `apparmor_parser` is installed; of a privileged "
            + "container only `Localhost` counts. The annotation `container.apparmor.security.beta.kubernetes.io/NAME` "
            + "stands for the container's field",
        "PodSecurityContext.seccompProfile": "default `RuntimeDefault`, as a kubelet with `seccompDefault: true`",
        "PodSpec.activeDeadlineSeconds": "counted from `status.startTime`; the pod then fails with `DeadlineExceeded`",
        "PodSecurityContext.sysctls":
            "the kubelet's safe ones, and those that `allowedUnsafeSysctls` of the node's configuration names; with "
            + "another the pod fails with the reason `SysctlForbidden`. They are set before the pod has interfaces beside "
            + "`lo`: those of `net.*.conf.default` and `net.*.neigh.default` count for these",
        "PodSpec.dnsPolicy":
            "without `clusterDNS` in the node's configuration `ClusterFirst` acts as `Default`, with the event "
            + "`MissingClusterDNS`",
        "PodSpec.subdomain": "below the node's `clusterDomain`; no DNS record is made of it",
        "PodSpec.priority": "of pods that start at once, as after a boot, those with a higher one start first",
        "PodSpec.priorityClassName":
            "`system-node-critical` and `system-cluster-critical` are known; others need a cluster and count as 0",
        "PodSpec.terminationGracePeriodSeconds": "default 30",
        "ResourceFieldSelector.resource": "`limits` and `requests` of `cpu` and `memory`",
        "ResourceRequirements.limits":
            "`cpu`, `memory`, and `ephemeral-storage` (of the container's writable layer, where the node's file system has "
            + "project quotas; else the event `LimitsNotEnforced` says so); others are **refused**",
        "ResourceRequirements.requests":
            "`cpu` and `memory`; `ephemeral-storage` is without effect, others **refused**",
        "VolumeMount.mountPropagation": "`HostToContainer` and `Bidirectional` need a volume on a shared mount",
        "VolumeMount.recursiveReadOnly": "`IfPossible` is `Enabled`: every kernel from 5.12 on can do it",
        "Volume.projected": "the `kube-api-access-` volume of an exported pod is left out, with its mounts",
    ]

    private static let storage = "this kind of storage is not mounted; mount it on the node and use hostPath"
    private static let volumes: [String: String] = [
        "awsElasticBlockStore": storage, "azureDisk": storage, "azureFile": storage, "cephfs": storage,
        "cinder": storage, "csi": storage,
        "ephemeral": storage, "fc": storage, "flexVolume": storage, "flocker": storage, "gcePersistentDisk": storage,
        "gitRepo": "Kubernetes gave it up; clone in an init container into an emptyDir", "glusterfs": storage,
        "iscsi": storage, "nfs": storage,
        "photonPersistentDisk": storage, "portworxVolume": storage,
        "quobyte": storage, "rbd": storage, "scaleIO": storage,
        "storageos": storage, "vsphereVolume": storage,
    ]
}
