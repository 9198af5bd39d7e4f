import JSON
import Kube
import Testing

@Suite("A good manifest becomes the pod it describes")
struct GoodManifestTests {
    @Test("The shortest manifest gets the API server's defaults")
    func defaults() throws {
        let pod = try decode(
            "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: i}]}}"
        )
        .pod
        #expect(pod.fullName == "default/p")
        #expect(pod.spec.restartPolicy == .always)
        #expect(pod.spec.terminationGracePeriodSeconds == 30)
        #expect(pod.spec.dnsPolicy == .clusterFirst)
        #expect(pod.spec.securityContext == PodSecurityContext())
        let container = try #require(pod.spec.containers.first)
        #expect(container.imagePullPolicy == .always)
        #expect(container.terminationMessagePath == "/dev/termination-log")
        #expect(container.terminationMessagePolicy == .file)
        #expect(pod.status == PodStatus())
    }

    @Test("Defaults depend on other fields as in the API server")
    func dependentDefaults() throws {
        let text = """
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: }
            spec:
              hostNetwork: true
              volumes:
              - name: a
              - {name: b, emptyDir: }
              - {name: c, hostPath: {path: /c}}
              containers:
              - name: c
                image: i
                ports: [{containerPort: 80}, {containerPort: 81, hostPort: 81}]
                resources: {limits: {cpu: 1, memory: 1.5Gi}, requests: {cpu: 0.5}}
                securityContext: null
            """
        let pod = try decode(text).pod
        #expect(pod.metadata.namespace == "default")
        #expect(pod.spec.volumes.map { $0.emptyDir != nil } == [true, true, false])
        #expect(pod.spec.volumes.last?.hostPath?.type == .unset)
        let container = try #require(pod.spec.containers.first)
        #expect(container.ports.map(\.hostPort) == [80, 81])
        #expect(container.ports.map(\.protocol) == [.tcp, .tcp])
        #expect(container.resources.requests == ["cpu": Quantity(milli: 500), "memory": Quantity(3 << 29)])
        #expect(container.securityContext == nil)
    }

    @Test("Every supported field reaches the pod")
    func complete() throws {
        let pod = try decode(completeManifest).pod
        let main = try #require(pod.spec.containers.first)
        #expect(pod.metadata.labels == ["app": "web", "example.com/tier": "front"])
        #expect(pod.spec.restartPolicy == .onFailure)
        #expect(pod.spec.hostAliases == [HostAlias(ip: "10.1.2.3", hostnames: ["a.example", "b"])])
        #expect(pod.spec.volumes.first?.emptyDir == .init(medium: .memory, sizeLimit: Quantity(64 << 20)))
        #expect(pod.spec.volumes.last?.hostPath == .init(path: "/srv", type: .directoryOrCreate))
        #expect(pod.spec.initContainers.first?.command == ["sh", "-c", "true"])
        #expect(main.env.last?.valueFrom?.resourceFieldRef?.divisor == Quantity(1 << 20))
        #expect(main.volumeMounts.map(\.readOnly) == [false, true, false])
        #expect(main.securityContext?.capabilities == Capabilities(add: ["NET_ADMIN"], drop: ["ALL"]))
        #expect(main.securityContext?.seccompProfile?.type == .runtimeDefault)
        #expect(pod.spec.securityContext.appArmorProfile == AppArmorProfile(type: .runtimeDefault))
        #expect(main.securityContext?.appArmorProfile == .init(type: .localhost, localhostProfile: "web"))
    }

    /// As `kubectl get pod -o yaml` printed a Deployment's pod.
    static let exported = """
        apiVersion: v1
        kind: Pod
        metadata:
          annotations:
            kubectl.kubernetes.io/restartedAt: "2026-02-01T10:00:00+01:00"
          creationTimestamp: "2026-03-01T12:00:00Z"
          generateName: web-7d4b9c6f5-
          generation: 1
          labels:
            app: web
            pod-template-hash: 7d4b9c6f5
          managedFields:
          - apiVersion: v1
            fieldsType: FieldsV1
            fieldsV1:
              f:metadata:
                f:generateName: {}
            manager: kube-controller-manager
            operation: Update
            time: "2026-03-01T12:00:00Z"
          name: web-7d4b9c6f5-x2x7k
          namespace: shop
          ownerReferences:
          - apiVersion: apps/v1
            blockOwnerDeletion: true
            controller: true
            kind: ReplicaSet
            name: web-7d4b9c6f5
            uid: 0d9f3e0c-0d65-4ac0-b9a6-6f6b6f0a0f11
          resourceVersion: "123456"
          uid: 5e0e7b0b-4f7b-4d43-a2c5-0c7e2c1f1c11
        spec:
          affinity:
            podAntiAffinity:
              preferredDuringSchedulingIgnoredDuringExecution:
              - podAffinityTerm:
                  labelSelector:
                    matchLabels: {app: web}
                  topologyKey: kubernetes.io/hostname
                weight: 100
          containers:
          - image: nginx:1.27
            imagePullPolicy: IfNotPresent
            name: web
            ports:
            - containerPort: 80
              name: http
              protocol: TCP
            resizePolicy:
            - {resourceName: cpu, restartPolicy: NotRequired}
            resources:
              limits: {memory: 64Mi}
              requests: {cpu: 10m, ephemeral-storage: 1Gi, memory: 64Mi}
            terminationMessagePath: /dev/termination-log
            terminationMessagePolicy: File
            volumeMounts:
            - mountPath: /cache
              name: cache
            - mountPath: /var/run/secrets/kubernetes.io/serviceaccount
              name: kube-api-access-8m2dl
              readOnly: true
          dnsPolicy: ClusterFirst
          enableServiceLinks: true
          nodeName: node-1
          preemptionPolicy: PreemptLowerPriority
          priority: 0
          restartPolicy: Always
          schedulerName: default-scheduler
          securityContext: {}
          serviceAccount: default
          serviceAccountName: default
          terminationGracePeriodSeconds: 30
          tolerations:
          - effect: NoExecute
            key: node.kubernetes.io/not-ready
            operator: Exists
            tolerationSeconds: 300
          volumes:
          - emptyDir: {}
            name: cache
          - name: kube-api-access-8m2dl
            projected:
              defaultMode: 420
              sources:
              - serviceAccountToken: {expirationSeconds: 3607, path: token}
              - configMap:
                  items: [{key: ca.crt, path: ca.crt}]
                  name: kube-root-ca.crt
        status:
          phase: Failed
          fieldOfANewerVersion: [1, 2]
          conditions: [{type: Ready, status: "True"}]
        """

    @Test("An exported pod runs: what was the cluster's is without effect, and told")
    func exportedPod() throws {
        let decoded = try decode(Self.exported)
        #expect(decoded.pod.status == PodStatus())
        #expect(decoded.pod.metadata.creationTimestamp == nil)
        #expect(decoded.pod.metadata.resourceVersion == nil)
        #expect(decoded.pod.spec.nodeName == nil)
        #expect(decoded.pod.spec.volumes.map(\.name) == ["cache"])
        #expect(decoded.pod.spec.containers.first?.volumeMounts.map(\.mountPath) == ["/cache"])
        #expect(decoded.pod.spec.carried["tolerations"]?.arrayValue?.count == 1)
        #expect(decoded.pod.metadata.carried["ownerReferences"]?.arrayValue?.count == 1)
        #expect(
            decoded.withoutEffect.map(\.path.description) == [
                "metadata.creationTimestamp", "metadata.generateName", "metadata.generation", "metadata.managedFields",
                "metadata.ownerReferences", "metadata.resourceVersion", "spec.affinity",
                "spec.containers[0].resizePolicy", "spec.containers[0].resources.requests[ephemeral-storage]",
                "spec.enableServiceLinks", "spec.nodeName", "spec.preemptionPolicy",
                "spec.schedulerName", "spec.serviceAccount", "spec.serviceAccountName", "spec.tolerations",
                "spec.volumes[1].projected", "status",
            ])
        #expect(
            decoded.withoutEffect.last?.description == "89:1: status: without effect here: the node writes it")
    }

    @Test(
        "Refused fields are accepted where they ask for nothing",
        arguments: [
            pod(spec: "hostUsers: true, setHostnameAsFQDN: false, imagePullSecrets: [], subdomain: '', dnsConfig: {},"),
            pod(spec: "activeDeadlineSeconds: null, securityContext: {supplementalGroups: [], sysctls: []},"),
            pod(container: "tty: false, stdin: false, envFrom: [], livenessProbe: ~,"),
            pod(container: "securityContext: {procMount: Default},"),
            pod(
                spec: "volumes: [{name: v}],",
                container: "volumeMounts: [{name: v, mountPath: /v, subPath: '', mountPropagation: None}]"),
        ])
    func nothingAsked(_ text: String) throws {
        #expect(try problems(text).isEmpty)
    }

    @Test("Environment variables can show what the kubelet lets them show")
    func downwardAPI() throws {
        let paths = [
            "metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels['a']",
            "metadata.annotations['Example.com/x']", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
            "status.hostIPs", "status.podIP", "status.podIPs",
        ]
        for path in paths {
            let env = "env: [{name: E, valueFrom: {fieldRef: {fieldPath: \"\(path)\"}}}]"
            #expect(try problems(pod(container: env)).isEmpty, "\(path)")
        }
    }
}
