extension BrokenManifestTests {
    /// Manifests of the right shape that the API server would not take.
    static let invalid: [(String, [String])] = [
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: p,\nannotations: {k8s.v1.cni.cncf.io/networks: a/b/c,\n"
                + "kubernetes.io/ingress-bandwidth: fast}},\nspec: {containers: [{name: c, image: i}]}}",
            [
                "2:44: metadata.annotations[k8s.v1.cni.cncf.io/networks]: Invalid value: \"a/b/c\": \"a/b/c\" is not of the "
                    + "form [NAMESPACE/]NAME[@INTERFACE]",
                "3:34: metadata.annotations[kubernetes.io/ingress-bandwidth]: Invalid value: \"fast\": must be a quantity "
                    + "of bits a second from 1k to 1P",
            ]
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: p,\nannotations: {k8s.v1.cni.cncf.io/networks: a,\n"
                + "kubernetes.io/egress-bandwidth: 1M}},\nspec: {hostNetwork: true, containers: [{name: c, image: i}]}}",
            [
                "2:44: metadata.annotations[k8s.v1.cni.cncf.io/networks]: Forbidden: may not be set when hostNetwork is "
                    + "true: the host's interfaces are the pod's",
                "3:33: metadata.annotations[kubernetes.io/egress-bandwidth]: Forbidden: may not be set when hostNetwork is "
                    + "true",
            ]
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: My_Pod, namespace: a.b, uid: ../x},\n"
                + "spec: {containers: [{name: c, image: i}]}}",
            [
                "1:46: metadata.name: Invalid value: \"My_Pod\": \(subdomain)",
                "1:65: metadata.namespace: Invalid value: \"a.b\": \(label)",
                "1:75: metadata.uid: Invalid value: \"../x\": a UID has at most 63 letters, digits and '-'",
            ]
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: \(String(repeating: "a", count: 250))},\n"
                + "spec: {containers: [{name: c, image: i}]}}",
            [
                "1:46: metadata.name: Invalid value: \"\(String(repeating: "a", count: 128))...\": namespace, name and "
                    + "UID together name a folder, which takes 255 bytes, not 295"
            ]
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: p,\nannotations: {swiftlet/replacement: slow, "
                + "swiftlet/progress-deadline-seconds: soon,\nswiftlet/replacements: rolling}},\n"
                + "spec: {containers: [{name: c, image: i}]}}",
            [
                "2:37: metadata.annotations[swiftlet/replacement]: Unsupported value: \"slow\": supported values: "
                    + "\"rolling\"",
                "2:79: metadata.annotations[swiftlet/progress-deadline-seconds]: Invalid value: \"soon\": must be a number "
                    + "of seconds greater than 0",
                "3:24: metadata.annotations[swiftlet/replacements]: Unsupported value: \"swiftlet/replacements\": supported "
                    + "values: \"swiftlet/replacement\", \"swiftlet/progress-deadline-seconds\"",
            ]
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: p, annotations: {swiftlet/replacement: rolling}},\n"
                + "spec: {readinessGates: [{conditionType: x}], containers: [{name: c, image: i}]}}",
            [
                "2:24: spec.readinessGates: Forbidden: may not be set together with the annotation swiftlet/replacement: "
                    + "nobody could open a gate of an instance that is not the pod yet"
            ]
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: p, annotations: {swiftlet/replacement: rolling}},\n"
                + "spec: {containers: [{name: c, image: i, ports: [{containerPort: 80, hostPort: 80}]}]}}",
            [
                "2:79: spec.containers[0].ports[0].hostPort: Forbidden: may not be set together with the annotation "
                    + "swiftlet/replacement: two instances cannot have one port of the host"
            ]
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: p, labels: {-a: x, b: 'y z'}, annotations: {/x: ''}},\n"
                + "spec: {containers: [{name: c, image: i}]}}",
            [
                "1:62: metadata.labels[-a]: Invalid value: \"-a\": name part must consist of alphanumeric characters, "
                    + "'-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or "
                    + "'my.name',  or '123-abc', regex used for validation is "
                    + "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
                "1:68: metadata.labels[b]: Invalid value: \"y z\": a valid label must be an empty string or consist of "
                    + "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
                    + "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
                    + "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
                "1:94: metadata.annotations[/x]: Invalid value: \"/x\": prefix part must be non-empty",
            ]
        ),
        (
            pod(spec: "terminationGracePeriodSeconds: -1, hostPID: true, shareProcessNamespace: true,"),
            [
                "1:88: spec.terminationGracePeriodSeconds: Invalid value: -1: must be between 0 and 2147483647, inclusive",
                "1:130: spec.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be "
                    + "enabled",
            ]
        ),
        (
            pod(
                spec: "initContainers: [{name: i, image: i, lifecycle: {preStop: {sleep: {seconds: 1}}}}],",
                container: """
                    lifecycle: {stopSignal: SIGTERM, postStart: {}, preStop: {exec: {command: []}, sleep: {seconds: 1}}}
                    """),
            [
                "1:105: spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without "
                    + "restartPolicy=Always",
                "3:29: spec.containers[0].lifecycle.stopSignal: Forbidden: may not be set for containers with empty "
                    + "`spec.os.name`",
                "3:49: spec.containers[0].lifecycle.postStart: Required value: must specify a handler type",
                "3:79: spec.containers[0].lifecycle.preStop.exec.command: Required value",
                "3:91: spec.containers[0].lifecycle.preStop.sleep: Forbidden: may not specify more than 1 handler type",
            ]
        ),
        (
            pod(
                container: """
                    restartPolicyRules: [{action: RestartAllContainerss, exitCodes: {operator: Like, values: [1, 2, 1]}},
                    {action: Restart}, {action: Restart, exitCodes: {operator: In}}]
                    """),
            [
                "2:16: spec.containers[0].restartPolicy: Required value: must specify restartPolicy when restart rules are "
                    + "used",
                "3:35: spec.containers[0].restartPolicyRules[0].action: Unsupported value: \"RestartAllContainerss\": "
                    + "supported values: \"Restart\", \"RestartAllContainers\"",
                "3:80: spec.containers[0].restartPolicyRules[0].exitCodes.operator: Unsupported value: \"Like\": supported "
                    + "values: \"In\", \"NotIn\"",
                "3:101: spec.containers[0].restartPolicyRules[0].exitCodes.values[2]: Duplicate value: \"1\"",
                "4:5: spec.containers[0].restartPolicyRules[1].exitCodes: Required value: must be specified",
                "4:53: spec.containers[0].restartPolicyRules[2].exitCodes.values: Required value",
            ]
        ),
        (
            pod(
                container: """
                    lifecycle: {postStart: {httpGet: {port: 0, httpHeaders: [{name: a b, value: c}]}},
                    preStop: {sleep: {seconds: 31}}}
                    """),
            [
                "3:45: spec.containers[0].lifecycle.postStart.httpGet.port: Invalid value: 0: must be between 1 and 65535, "
                    + "inclusive",
                "3:69: spec.containers[0].lifecycle.postStart.httpGet.httpHeaders[0].name: Invalid value: \"a b\": a "
                    + "valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex "
                    + "used for validation is '[-A-Za-z0-9]+')",
                "4:22: spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than "
                    + "terminationGracePeriodSeconds (30)",
            ]
        ),
        (
            pod(spec: "readinessGates: [{conditionType: a b}, {conditionType: ''}],"),
            [
                "1:90: spec.readinessGates[0].conditionType: Invalid value: \"a b\": name part must consist of "
                    + "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
                    + "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
                    + "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
                "1:112: spec.readinessGates[1].conditionType: Required value",
            ]
        ),
        (
            pod(spec: "activeDeadlineSeconds: 0,"),
            [
                "1:80: spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"
            ]
        ),
        (
            pod(spec: "dnsPolicy: None,"),
            ["1:56: spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"]
        ),
        (
            pod(
                spec: "dnsPolicy: None, dnsConfig: {searches: [a_b.c., '-', .], options: [{value: x}, {name: a b}]},"),
            [
                "1:85: spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when "
                    + "`dnsPolicy` is None",
                "1:105: spec.dnsConfig.searches[1]: Invalid value: \"-\": a lowercase RFC 1123 subdomain must consist "
                    + "of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an "
                    + "alphanumeric character",
                "1:124: spec.dnsConfig.options[0]: Required value: must not be empty",
                "1:143: spec.dnsConfig.options[1].name: Invalid value: \"a b\": must not contain whitespace",
            ]
        ),
        (
            pod(spec: "dnsConfig: {nameservers: [1.1.1.1, 1.1.1.2, 1.1.1.3, dns]},"),
            [
                "1:82: spec.dnsConfig.nameservers: Invalid value: \"1.1.1.1 1.1.1.2 1.1.1.3 dns\": must not have more "
                    + "than 3 nameservers",
                "1:110: spec.dnsConfig.nameservers[3]: Invalid value: \"dns\": must be a valid IP address, (e.g. "
                    + "10.9.8.7 or 2001:db8::ffff)",
            ]
        ),
        (
            pod(
                spec: "hostname: a.b, subdomain: A, hostnameOverride: \(String(repeating: "a", count: 63)).b, "
                    + "hostNetwork: true, setHostnameAsFQDN: true,"),
            [
                "1:67: spec.hostname: Invalid value: \"a.b\": \(label)",
                "1:83: spec.subdomain: Invalid value: \"A\": \(label)",
                "1:104: spec.hostnameOverride: Invalid value: \"\(String(repeating: "a", count: 63)).b\": must be no more "
                    + "than 64 characters",
                "1:104: spec.hostnameOverride: Forbidden: may not be set when `hostNetwork` is true",
                "1:104: spec.hostnameOverride: Forbidden: may not be set when `setHostnameAsFQDN` is true",
            ]
        ),
        (
            pod(spec: "hostAliases: [{ip: 1.2.3, hostnames: [a_b]}, {hostnames: [x]}],"),
            [
                "1:76: spec.hostAliases[0].ip: Invalid value: \"1.2.3\": must be a valid IP address, (e.g. 10.9.8.7 or "
                    + "2001:db8::ffff)",
                "1:95: spec.hostAliases[0].hostnames[0]: Invalid value: \"a_b\": \(subdomain)",
                "1:102: spec.hostAliases[1].ip: Required value",
            ]
        ),
        (
            pod(spec: "initContainers: [{name: c, image: j}, {name: c}],"),
            [
                "1:95: spec.initContainers[1].image: Required value",
                "1:102: spec.initContainers[1].name: Duplicate value: \"c\"",
                "2:23: spec.containers[0].name: Duplicate value: \"c\"",
            ]
        ),
        (
            pod(
                spec: "volumes: [{name: A}, {emptyDir: {}}, {name: v}, {name: v, hostPath: {path: x/../y}}, "
                    + "{name: w, hostPath: {path: rel}}, {name: x, hostPath: {}}, {name: q, emptyDir: {}, hostPath: {path: /}}],"
            ),
            [
                "1:74: spec.volumes[0].name: Invalid value: \"A\": \(label)",
                "1:78: spec.volumes[1].name: Required value",
                "1:112: spec.volumes[3].name: Duplicate value: \"v\"",
                "1:132: spec.volumes[3].hostPath.path: Invalid value: \"x/../y\": must not contain '..'",
                "1:169: spec.volumes[4].hostPath.path: Invalid value: \"rel\": must be an absolute path",
                "1:196: spec.volumes[5].hostPath.path: Required value",
                "1:235: spec.volumes[6].hostPath: Forbidden: may not specify more than 1 volume type",
            ]
        ),
        (
            pod(
                spec: "volumes: [{name: a, image: {}}, {name: b, image: {reference: x, pullPolicy: Often}}, "
                    + "{name: c, image: {reference: x}, emptyDir: {}}],"),
            [
                "1:84: spec.volumes[0].image.reference: Required value",
                "1:133: spec.volumes[1].image.pullPolicy: Unsupported value: \"Often\": supported values: \"Always\", "
                    + "\"IfNotPresent\", \"Never\"",
                "1:159: spec.volumes[2].image: Forbidden: may not specify more than 1 volume type",
            ]
        ),
        (
            pod(
                spec: "volumes: [{name: v}],",
                container: "volumeMounts: [{name: w, mountPath: /a}, {name: v}, "
                    + "{name: v, mountPath: /b}, {name: v, mountPath: /b/}, {name: v, mountPath: 'c:d'}, {name: v, mountPath: /}, "
                    + "{name: v, mountPath: /a/../b}, {name: v, mountPath: /d, subPath: /x}, "
                    + "{name: v, mountPath: /e, subPath: a/../b}]"),
            [
                "3:27: spec.containers[0].volumeMounts[0].name: Not found: \"w\"",
                "3:46: spec.containers[0].volumeMounts[1].mountPath: Required value",
                "3:104: spec.containers[0].volumeMounts[3].mountPath: Invalid value: \"/b/\": must be unique",
                "3:131: spec.containers[0].volumeMounts[4].mountPath: Invalid value: \"c:d\": must be an absolute path",
                "3:131: spec.containers[0].volumeMounts[4].mountPath: Invalid value: \"c:d\": must not contain ':'",
                "3:160: spec.containers[0].volumeMounts[5].mountPath: Invalid value: \"/\": the root of the image cannot "
                    + "be mounted over",
                "3:185: spec.containers[0].volumeMounts[6].mountPath: Invalid value: \"/a/../b\": must not contain '..'",
                "3:229: spec.containers[0].volumeMounts[7].subPath: Invalid value: \"/x\": must be a relative path",
                "3:268: spec.containers[0].volumeMounts[8].subPath: Invalid value: \"a/../b\": must not contain '..'",
            ]
        ),
        (
            pod(
                spec: "volumes: [{name: v}, {name: h, hostPath: {path: /h}}],",
                container: "volumeMounts: [{name: v, mountPath: /a, subPath: a, subPathExpr: /b},\n"
                    + "{name: v, mountPath: /b, subPathExpr: ../$(X), mountPropagation: Bidirectional},\n"
                    + "{name: v, mountPath: /c, recursiveReadOnly: Enabled, mountPropagation: HostToContainer}],\n"
                    + "env: [{name: A, valueFrom: {fileKeyRef: {volumeName: h, path: /e, key: A=}}},\n"
                    + "{name: B, valueFrom: {fileKeyRef: {volumeName: w, path: ..e, key: B}}}]"),
            [
                "3:70: spec.containers[0].volumeMounts[0].subPathExpr: Invalid value: \"/b\": subPathExpr and subPath are "
                    + "mutually exclusive",
                "3:70: spec.containers[0].volumeMounts[0].subPathExpr: Invalid value: \"/b\": must be a relative path",
                "4:43: spec.containers[0].volumeMounts[1].subPathExpr: Invalid value: \"../$(X)\": must not contain '..'",
                "4:70: spec.containers[0].volumeMounts[1].mountPropagation: Forbidden: Bidirectional mount propagation is "
                    + "available only to privileged containers",
                "5:49: spec.containers[0].volumeMounts[2].recursiveReadOnly: Forbidden: may only be specified when readOnly "
                    + "is true",
                "5:49: spec.containers[0].volumeMounts[2].recursiveReadOnly: Forbidden: may only be specified when "
                    + "mountPropagation is None or not specified",
                "6:58: spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Invalid value: \"h\": referenced volume "
                    + "must be of type emptyDir",
                "6:67: spec.containers[0].env[0].valueFrom.fileKeyRef.path: Invalid value: \"/e\": must be a relative path",
                "6:76: spec.containers[0].env[0].valueFrom.fileKeyRef.key: Invalid value: \"A=\": a valid environment "
                    + "variable name must consist only of printable ASCII characters other than '='",
                "7:52: spec.containers[0].env[1].valueFrom.fileKeyRef.volumeName: Not found: \"w\"",
                "7:61: spec.containers[0].env[1].valueFrom.fileKeyRef.path: Invalid value: \"..e\": must not start with "
                    + "'..'",
            ]
        ),
        (
            pod(container: "resources: {limits: {cpu: 1, memory: 512m}, requests: {cpu: 2, memory: -1}}"),
            [
                "3:42: spec.containers[0].resources.limits[memory]: Invalid value: \"512m\": must be a whole number of bytes "
                    + "(did you mean \"512M\"?)",
                "3:65: spec.containers[0].resources.requests[cpu]: Invalid value: \"2\": must be less than or equal to cpu "
                    + "limit of 1",
                "3:76: spec.containers[0].resources.requests[memory]: Invalid value: \"-1\": must be greater than or equal "
                    + "to 0",
            ]
        ),
        (
            pod(
                container:
                    "ports: [{}, {containerPort: 0}, {containerPort: 1, name: A}, {containerPort: 2, name: 1--a}, "
                    + "{containerPort: 3, name: x}, {containerPort: 4, name: x, protocol: tcp}]"),
            [
                "3:13: spec.containers[0].ports[0].containerPort: Required value",
                "3:33: spec.containers[0].ports[1].containerPort: Invalid value: 0: must be between 1 and 65535, "
                    + "inclusive",
                "3:62: spec.containers[0].ports[2].name: Invalid value: \"A\": must contain only alphanumeric characters "
                    + "(a-z, 0-9), and hyphens ('-')",
                "3:91: spec.containers[0].ports[3].name: Invalid value: \"1--a\": must not contain consecutive hyphens",
                "3:152: spec.containers[0].ports[5].name: Duplicate value: \"x\"",
                "3:165: spec.containers[0].ports[5].protocol: Unsupported value: \"tcp\": supported values: \"SCTP\", "
                    + "\"TCP\", \"UDP\"",
            ]
        ),
        (
            pod(
                spec: "hostNetwork: true,",
                container: "ports: [{containerPort: 80, hostPort: 81}, {containerPort: 80}, "
                    + "{containerPort: 80, name: b}]"),
            [
                "3:43: spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when "
                    + "`hostNetwork` is true",
                "3:69: spec.containers[0].ports[2].hostPort: Duplicate value: \"TCP//80\"",
            ]
        ),
        (
            pod(
                container:
                    "env: [{value: a}, {name: 'A=B'}, {name: C, value: x, valueFrom: {fieldRef: {fieldPath: a}}}, "
                    + "{name: D, valueFrom: {}},\n{name: E, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['']\"}}}, "
                    + "{name: F, valueFrom: {resourceFieldRef: {resource: limits.disk, containerName: x}}},\n"
                    + "{name: G, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 2}, fieldRef: {}}},"
                    + "{name: H, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 2}}}]"),
            [
                "3:11: spec.containers[0].env[0].name: Required value",
                "3:30: spec.containers[0].env[1].name: Invalid value: \"A=B\": a valid environment variable name must "
                    + "consist only of printable ASCII characters other than '='",
                "3:69: spec.containers[0].env[2].valueFrom: Invalid value: \"\": may not be specified when `value` is "
                    + "not empty",
                "3:92: spec.containers[0].env[2].valueFrom.fieldRef.fieldPath: Unsupported value: \"a\": supported "
                    + "values: \"metadata.name\", \"metadata.namespace\", \"metadata.uid\", \"spec.nodeName\", "
                    + "\"spec.serviceAccountName\", \"status.hostIP\", \"status.hostIPs\", \"status.podIP\", "
                    + "\"status.podIPs\", \"metadata.labels['<KEY>']\", \"metadata.annotations['<KEY>']\"",
                "3:119: spec.containers[0].env[3].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, "
                    + "`resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
                "4:49: spec.containers[0].env[4].valueFrom.fieldRef.fieldPath: Invalid value: \"\": name part must be "
                    + "non-empty",
                "4:126: spec.containers[0].env[5].valueFrom.resourceFieldRef.resource: Unsupported value: "
                    + "\"limits.disk\": supported values: \"limits.cpu\", \"limits.memory\", \"requests.cpu\", "
                    + "\"requests.memory\"",
                "4:154: spec.containers[0].env[5].valueFrom.resourceFieldRef.containerName: Not found: \"x\"",
                "5:26: spec.containers[0].env[6].valueFrom: Invalid value: \"\": may not have more than one field "
                    + "specified at a time",
                "5:168: spec.containers[0].env[7].valueFrom.resourceFieldRef.divisor: Invalid value: \"2\": only "
                    + "divisor's values 1m and 1 are supported with the cpu resource",
            ]
        ),
        (
            pod(
                container: "securityContext: {runAsUser: -1, runAsGroup: 4294967295, privileged: true, "
                    + "allowPrivilegeEscalation: false,\ncapabilities: {add: [SYS_ADMIN, CAP_NET_RAW, chown], drop: [NONE]}, "
                    + "seccompProfile: {}}"),
            [
                "3:34: spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and "
                    + "2147483647, inclusive",
                "3:50: spec.containers[0].securityContext.runAsGroup: Invalid value: 4294967295: must be between 0 and "
                    + "2147483647, inclusive",
                "3:106: spec.containers[0].securityContext.allowPrivilegeEscalation: Invalid value: false: cannot set "
                    + "`allowPrivilegeEscalation` to false and `privileged` to true",
                "3:106: spec.containers[0].securityContext.allowPrivilegeEscalation: Invalid value: false: cannot set "
                    + "`allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
                "4:37: spec.containers[0].securityContext.capabilities.add[1]: Invalid value: \"CAP_NET_RAW\": not a "
                    + "capability (did you mean \"NET_RAW\"?)",
                "4:50: spec.containers[0].securityContext.capabilities.add[2]: Invalid value: \"chown\": not a "
                    + "capability (did you mean \"CHOWN\"?)",
                "4:65: spec.containers[0].securityContext.capabilities.drop[0]: Invalid value: \"NONE\": not a "
                    + "capability",
                "4:89: spec.containers[0].securityContext.seccompProfile.type: Required value: type is required when "
                    + "seccompProfile is set",
            ]
        ),
        (
            pod(
                spec: "securityContext: {fsGroup: -1, supplementalGroups: [1, 2147483648], "
                    + "supplementalGroupsPolicy: merge},"),
            [
                "1:84: spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive",
                "1:112: spec.securityContext.supplementalGroups[1]: Invalid value: 2147483648: must be between 0 and "
                    + "2147483647, inclusive",
                "1:151: spec.securityContext.supplementalGroupsPolicy: Unsupported value: \"merge\": supported values: "
                    + "\"Merge\", \"Strict\"",
            ]
        ),
        (
            pod(
                spec:
                    "hostNetwork: true, hostIPC: true,\nsecurityContext: {sysctls: [{name: net/core/somaxconn, value: '1'}, "
                    + "{name: net.core.somaxconn, value: '1'}, {name: kernel.sem, value: '1'},\n{name: ../x, value: '1'}, "
                    + "{value: '1'}, {name: vm.swappiness}]},"),
            [
                "2:36: spec.securityContext.sysctls[0].name: Invalid value: \"net/core/somaxconn\": may not be specified "
                    + "when 'hostNetwork' is true",
                "2:76: spec.securityContext.sysctls[1].name: Duplicate value: \"net.core.somaxconn\"",
                "2:76: spec.securityContext.sysctls[1].name: Invalid value: \"net.core.somaxconn\": may not be specified "
                    + "when 'hostNetwork' is true",
                "2:116: spec.securityContext.sysctls[2].name: Invalid value: \"kernel.sem\": may not be specified when "
                    + "'hostIPC' is true",
                "3:8: spec.securityContext.sysctls[3].name: Invalid value: \"../x\": must have at most 253 characters "
                    + "and match regex ([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?",
                "3:27: spec.securityContext.sysctls[4].name: Required value",
                "3:41: spec.securityContext.sysctls[5].value: Required value",
            ]
        ),
        (
            pod(container: "securityContext: {seccompProfile: {type: Localhost, localhostProfile: ../../etc/x}}"),
            [
                "3:75: spec.containers[0].securityContext.seccompProfile.localhostProfile: Invalid value: "
                    + "\"../../etc/x\": must not contain '..'"
            ]
        ),
        (
            pod(container: "securityContext: {seccompProfile: {type: Localhost}}"),
            [
                "3:39: spec.containers[0].securityContext.seccompProfile.localhostProfile: Required value: must be set "
                    + "when seccomp type is Localhost"
            ]
        ),
        (
            pod(container: "workingDir: a, terminationMessagePath: b"),
            [
                "3:17: spec.containers[0].workingDir: Invalid value: \"a\": must be an absolute path",
                "3:44: spec.containers[0].terminationMessagePath: Invalid value: \"b\": must be an absolute path",
            ]
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: ' i'}]}}",
            [
                "1:87: spec.containers[0].image: Invalid value: \" i\": must not have leading or trailing whitespace"
            ]
        ),
        (
            pod(
                spec: "volumes: [{name: v, emptyDir: {medium: Memory, sizeLimit: 1Ei}}],",
                container: "resources: {limits: {cpu: 9Ei, memory: 5Pi}, requests: {cpu: 1e26, memory: 1}}"),
            [
                "1:115: spec.volumes[0].emptyDir.sizeLimit: Invalid value: \"1Ei\": must be less than or equal to 4Pi",
                "3:31: spec.containers[0].resources.limits[cpu]: Invalid value: \"9Ei\": must be less than or equal to 1M",
                "3:44: spec.containers[0].resources.limits[memory]: Invalid value: \"5Pi\": must be less than or equal "
                    + "to 4Pi",
                "3:66: spec.containers[0].resources.requests[cpu]: Invalid value: \"100e24\": must be less than or equal "
                    + "to 1M",
            ]
        ),
        (
            "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: ["
                + (0..<1001).map { "{name: c\($0), image: i}" }.joined(separator: ", ") + "]}}",
            ["1:69: spec.containers: Too many: 1001: must have at most 1000 items"]
        ),
    ]
}
