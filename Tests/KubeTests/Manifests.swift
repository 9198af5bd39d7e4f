import JSON
import Kube
import Testing
import YAML

/// The one value of a YAML text.
func yaml(_ text: String) throws -> JSONValue { try #require(try YAML.documents(text.utf8).first) }

func decode(_ text: String) throws -> DecodedPod { try PodDecoder.decode(try yaml(text)) }

/// What is wrong with a manifest; empty when it is taken.
func problems(_ text: String) throws -> [String] {
    let value = try yaml(text)
    do {
        _ = try PodDecoder.decode(value)
        return []
    } catch {
        return error.issues.map(\.description)
    }
}

/// A pod with one container, four lines long: `spec` continues the spec, `container` the container.
func pod(spec: String = "", container: String = "") -> String {
    let indented = container.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)\n" }.joined()
    return "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {\(spec)\n"
        + "  containers: [{name: c, image: i,\n\(indented)  }]}}\n"
}

/// Every supported field, each with a value that is not its default.
let completeManifest = """
    apiVersion: v1
    kind: Pod
    metadata:
      name: complete
      namespace: ns
      uid: 1a2b3c4d-0000-4000-8000-000000000000
      labels: {app: web, "example.com/tier": front}
      annotations: {note: "two\\nlines"}
    spec:
      priority: 7
      os: {name: linux}
      priorityClassName: system-node-critical
      readinessGates: [{conditionType: example.com/in-service}]
      restartPolicy: OnFailure
      terminationGracePeriodSeconds: 5
      activeDeadlineSeconds: 600
      dnsPolicy: Default
      hostNetwork: true
      hostIPC: true
      hostPID: true
      hostname: box
      subdomain: boxes
      setHostnameAsFQDN: true
      dnsConfig:
        nameservers: [10.0.0.53]
        searches: [a.example]
        options: [{name: ndots, value: "2"}, {name: rotate}]
      hostAliases:
      - ip: 10.1.2.3
        hostnames: [a.example, b]
      securityContext:
        runAsUser: 1000
        runAsGroup: 1001
        runAsNonRoot: true
        fsGroup: 2000
        fsGroupChangePolicy: OnRootMismatch
        supplementalGroups: [3000, 3001]
        supplementalGroupsPolicy: Strict
        seccompProfile: {type: Localhost, localhostProfile: profiles/audit.json}
        appArmorProfile: {type: RuntimeDefault}
      imagePullSecrets: [{name: registry}]
      volumes:
      - name: scratch
        emptyDir: {medium: Memory, sizeLimit: 64Mi}
      - name: settings
        configMap:
          name: web
          defaultMode: 0440
          optional: true
          items: [{key: index, path: html/index.html, mode: 0400}]
      - name: key
        secret:
          secretName: web
          defaultMode: 0400
          optional: true
          items: [{key: tls, path: tls.key}]
      - name: about
        downwardAPI:
          defaultMode: 0444
          items:
          - {path: labels, mode: 0400, fieldRef: {fieldPath: metadata.labels}}
          - {path: cpu, resourceFieldRef: {containerName: main, resource: limits.cpu, divisor: 1m}}
      - name: all
        projected:
          defaultMode: 0440
          sources:
          - configMap: {name: web, optional: true, items: [{key: a, path: a}]}
          - secret: {name: web, optional: true, items: [{key: b, path: b}]}
          - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
      - name: pages
        image: {reference: "registry.example/pages:1", pullPolicy: Always}
      - name: data
        persistentVolumeClaim: {claimName: data, readOnly: true}
      - name: host
        hostPath: {path: /srv, type: DirectoryOrCreate}
      initContainers:
      - name: prepare
        image: busybox
        command: [sh, -c, 'true']
        restartPolicy: Always
      containers:
      - name: main
        image: registry.example/app:1.2
        imagePullPolicy: Never
        command: [app]
        args: [--serve, "8080"]
        workingDir: /srv/app
        restartPolicy: Never
        restartPolicyRules:
        - {action: Restart, exitCodes: {operator: NotIn, values: [0, 2]}}
        stdin: true
        stdinOnce: true
        tty: true
        lifecycle:
          postStart: {exec: {command: [warm, up]}}
          preStop:
            httpGet:
              host: 127.0.0.1
              path: /stop
              port: http
              scheme: HTTPS
              httpHeaders: [{name: X-Reason, value: stop}]
          stopSignal: SIGUSR1
        terminationMessagePath: /tmp/message
        terminationMessagePolicy: FallbackToLogsOnError
        env:
        - {name: PLAIN, value: "1"}
        - name: SETTING
          valueFrom: {configMapKeyRef: {name: web, key: color, optional: true}}
        - name: PASSWORD
          valueFrom: {secretKeyRef: {name: web, key: password, optional: true}}
        - name: FROM_FILE
          valueFrom: {fileKeyRef: {volumeName: scratch, path: made/env, key: A, optional: true}}
        - name: FIELD
          valueFrom: {fieldRef: {apiVersion: v1, fieldPath: "metadata.labels['app']"}}
        - name: RESOURCE
          valueFrom: {resourceFieldRef: {containerName: main, resource: limits.memory, divisor: 1Mi}}
        envFrom:
        - {prefix: WEB_, configMapRef: {name: web, optional: true}}
        - {secretRef: {name: web, optional: true}}
        ports:
        - {name: http, containerPort: 8080, hostPort: 8080, hostIP: 127.0.0.1, protocol: UDP}
        resources:
          limits: {cpu: 500m, memory: 128Mi}
          requests: {cpu: 250m, memory: 64Mi}
        volumeMounts:
        - {name: scratch, mountPath: /scratch}
        - {name: host, mountPath: /host, readOnly: true, recursiveReadOnly: IfPossible, subPath: part}
        - {name: host, mountPath: /both, mountPropagation: Bidirectional, subPathExpr: $(PLAIN)}
        livenessProbe:
          exec: {command: [check, now]}
          initialDelaySeconds: 2
          timeoutSeconds: 3
          periodSeconds: 4
          failureThreshold: 5
        readinessProbe:
          httpGet:
            host: 127.0.0.1
            path: /ready
            port: http
            scheme: HTTPS
            httpHeaders: [{name: X-Probe, value: "1"}]
          successThreshold: 2
        startupProbe:
          tcpSocket: {host: 127.0.0.1, port: 8080}
          terminationGracePeriodSeconds: 7
        securityContext:
          runAsUser: 0
          runAsGroup: 0
          runAsNonRoot: false
          privileged: true
          readOnlyRootFilesystem: true
          allowPrivilegeEscalation: true
          capabilities: {add: [NET_ADMIN], drop: [ALL]}
          seccompProfile: {type: RuntimeDefault}
          appArmorProfile: {type: Localhost, localhostProfile: web}
      - name: side
        image: busybox
        livenessProbe: {grpc: {port: 9090, service: db}}
      - name: beside
        image: busybox
        lifecycle:
          postStart: {tcpSocket: {host: 127.0.0.1, port: 80}}
          preStop: {sleep: {seconds: 3}}
    """
