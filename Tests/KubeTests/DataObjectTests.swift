import JSON
import Kube
import Testing
import YAML

@Suite("ConfigMaps and Secrets are read strictly, and Secrets are never told")
struct DataObjectTests {
    private func read(_ text: String) throws -> DataObject {
        let value = try yaml(text)
        let kind = try #require(DataObjectDecoder.kind(value))
        return try DataObjectDecoder.decode(value, as: kind).object
    }

    private func problems(_ text: String) throws -> [String] {
        do {
            _ = try read(text)
            return []
        } catch let error as PodDecodingError {
            return error.issues.map(\.description)
        }
    }

    @Test("Text is text, and what is encoded is decoded")
    func values() throws {
        let map = try read(
            """
            {apiVersion: v1, kind: ConfigMap, metadata: {name: m, labels: {a: b}}, data: {text: "ä\\n", e: ""},
            binaryData: {bytes: "AP8=\\n"}, immutable: true}
            """)
        #expect(map.key == DataObject.Key(.configMap, namespace: "default", name: "m"))
        #expect(map.data == ["text": Array("ä\n".utf8), "e": []] && map.binaryData == ["bytes": [0, 255]])
        #expect(map.isImmutable && map.metadata.labels == ["a": "b"] && map.type == nil)
        #expect(map.files.count == 3)
        let secret = try read(
            """
            {apiVersion: v1, kind: Secret, metadata: {name: s, namespace: ns}, data: {a: YQ==, b: Yg==},
            stringData: {b: plain}}
            """)
        #expect(secret.key.description == "secret ns/s" && secret.type == "Opaque")
        #expect(secret.data == ["a": Array("a".utf8), "b": Array("plain".utf8)])
    }

    @Test(
        "What is wrong is named with its place",
        arguments: [
            ("kind: ConfigMap, metadata: {name: M}", "metadata.name: Invalid value"),
            ("kind: ConfigMap, metadata: {}", "metadata.name: Required value"),
            ("kind: ConfigMap, metadata: {name: m, namespace: a.b}", "metadata.namespace: Invalid value"),
            ("kind: ConfigMap, metadata: {name: m}, dat: {}", "dat: unknown field (did you mean \"data\"?)"),
            ("kind: ConfigMap, metadata: {name: m}, data: {a: 1}", "data[a]: expected a string"),
            ("kind: ConfigMap, metadata: {name: m}, data: {a/b: x}", "data[a/b]: Invalid value"),
            ("kind: ConfigMap, metadata: {name: m}, data: {..a: x}", "must not start with '..'"),
            ("kind: ConfigMap, metadata: {name: m}, data: {.: x}", "must not be '.'"),
            (
                "kind: ConfigMap, metadata: {name: m}, binaryData: {a: \"x\"}",
                "not base64; plain text belongs into data"
            ),
            ("kind: ConfigMap, metadata: {name: m}, data: {a: x}, binaryData: {a: eA==}", "duplicate of key present"),
            ("kind: ConfigMap, metadata: {name: m}, stringData: {a: x}", "stringData: unknown field"),
            ("kind: Secret, metadata: {name: s}, data: {a: x}", "data[a]: Invalid value: not base64"),
            ("kind: Secret, metadata: {name: s}, data: {a: YQ=}", "not base64; plain text belongs into stringData"),
            ("kind: Secret, metadata: {name: s}, type: kubernetes.io/tls", "has tls.crt and tls.key"),
            ("kind: Secret, metadata: {name: s}, type: kubernetes.io/basic-auth", "has username or password"),
            (
                "kind: Secret, metadata: {name: s}, type: kubernetes.io/dockercfg, stringData: {.dockercfg: x}",
                "not a JSON"
            ),
        ])
    func mistakes(rest: String, words: String) throws {
        let found = try problems("{apiVersion: v1, \(rest)}")
        #expect(found.count == 1 && found[0].contains(words), "\(found)")
    }

    @Test("More than a megabyte is refused")
    func size() throws {
        let half = String(repeating: "x", count: 1 << 19)
        let text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: m}, data: {a: \(half), b: \(half)"
        #expect(try problems(text + "}}") == [])
        #expect(try problems(text + ", c: x}}").count == 1)
    }

    @Test("No word of a Secret stands in what is said of it")
    func silence() throws {
        let word = "hunter2"
        let secret = try read(
            "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: \(word)}, type: my/type}")
        for text in ["\(secret)", String(reflecting: secret), JSONWriter().text(secret.shown)] {
            #expect(!text.contains(word) && !text.contains("aHVudGVyMg"), "\(text)")
        }
        #expect(secret.shown["data"]?["password"] == "<7 bytes>" && secret.shown["type"] == "my/type")
        #expect(try problems(YAMLWriter.text(secret.shown)).count == 1, "it is taken for the Secret")
        let wrong = [
            "data: {a: \(word)!}", "stringData: {a: [\(word)]}", "stringData: \(word)", "stringDat: {a: \(word)}",
            "type: kubernetes.io/dockerconfigjson, stringData: {.dockerconfigjson: \"{\\\"\(word)\"}",
        ]
        for rest in wrong {
            let found = try problems("{apiVersion: v1, kind: Secret, metadata: {name: s}, \(rest)}")
            #expect(!found.isEmpty && !found.contains { $0.contains(word) }, "\(found)")
        }
    }

    @Test("Both forms of registry credentials are one, others are none")
    func credentials() throws {
        func secret(_ type: String, _ key: String) -> DataObject {
            DataObject(.secret, ObjectMeta(name: "s"), data: [key: Array("{}".utf8)], type: type)
        }
        #expect(secret("kubernetes.io/dockerconfigjson", ".dockerconfigjson").dockerConfiguration == "{}")
        #expect(secret("kubernetes.io/dockercfg", ".dockercfg").dockerConfiguration == "{\"auths\":{}}")
        #expect(secret("Opaque", ".dockerconfigjson").dockerConfiguration == nil)
    }

    @Test("A pod names what it needs of its own namespace")
    func references() throws {
        var pod = try PodDecoder.decode(try yaml(completeManifest)).pod
        let keys = ["configmap ns/web", "persistentvolumeclaim ns/data", "secret ns/registry", "secret ns/web"]
        #expect(pod.references.map(\.description).sorted() == keys)
        (pod.spec.volumes, pod.spec.imagePullSecrets) = ([], [])
        #expect(pod.references.map(\.description).sorted() == ["configmap ns/web", "secret ns/web"])
        for i in pod.spec.containers.indices { pod.spec.containers[i].env = [] }
        #expect(pod.references.count == 2)
        for i in pod.spec.containers.indices { pod.spec.containers[i].envFrom = [] }
        #expect(pod.references.isEmpty)
    }

    @Test(
        "Files that would lie elsewhere, twice or nowhere are refused",
        arguments: [
            ("configMap: {name: m, items: [{key: k, path: ../x}]}", "items[0].path: Invalid value"),
            ("configMap: {name: m, items: [{key: k, path: /x}]}", "must be a relative path"),
            ("configMap: {name: m, items: [{key: k, path: ..x}]}", "must not start with '..'"),
            ("configMap: {name: m, items: [{key: k, path: a//b}]}", "must not have empty parts"),
            ("configMap: {name: m, items: [{key: k, path: a, mode: 01777}]}", "between 0 and 0777"),
            ("configMap: {name: m, items: [{path: a}]}", "items[0].key: Required value"),
            ("configMap: {name: m, defaultMode: -1}", "defaultMode: Invalid value"),
            ("configMap: {}", "configMap.name: Required value"),
            ("secret: {}", "secret.secretName: Required value"),
            ("downwardAPI: {items: [{path: a}]}", "one of fieldRef and resourceFieldRef is required"),
            ("downwardAPI: {items: [{path: a, fieldRef: {fieldPath: status.podIP}}]}", "Unsupported value"),
            (
                "downwardAPI: {items: [{path: a, resourceFieldRef: {resource: limits.cpu}}]}",
                "containerName: Required value"
            ),
            ("projected: {sources: [{secret: {name: s}, configMap: {name: m}}]}", "more than 1 volume type per source"),
            ("projected: {sources: [{}]}", "Required value"),
            ("projected: {sources: [{serviceAccountToken: {path: t}}]}", "serviceAccountToken: not supported"),
            (
                "projected: {sources: [{secret: {name: s, items: [{key: k, path: a}]}}, "
                    + "{configMap: {name: m, items: [{key: k, path: a}]}}]}", "conflicting duplicate paths"
            ),
            ("emptyDir: {}, secret: {secretName: s}", "may not specify more than 1 volume type"),
        ])
    func volumes(source: String, words: String) throws {
        let found = try KubeTests.problems(pod(spec: "volumes: [{name: v, \(source)}],"))
        #expect(found.contains { $0.contains(words) }, "\(found)")
    }

    @Test(
        "References that name nothing, or two things, are refused",
        arguments: [
            ("envFrom: [{}]", "must specify one of: `configMapRef` or `secretRef`"),
            ("envFrom: [{configMapRef: {name: m}, secretRef: {name: s}}]", "more than one field"),
            ("envFrom: [{configMapRef: {}}]", "configMapRef.name: Required value"),
            ("envFrom: [{configMapRef: {name: m}, prefix: \"a=\"}]", "prefix: Invalid value"),
            ("env: [{name: A, valueFrom: {secretKeyRef: {name: s}}}]", "secretKeyRef.key: Required value"),
            ("env: [{name: A, valueFrom: {configMapKeyRef: {key: k}}}]", "configMapKeyRef.name: Required value"),
            ("env: [{name: A, valueFrom: {}}]", "must specify one of: `fieldRef`"),
        ])
    func variables(container: String, words: String) throws {
        let found = try KubeTests.problems(pod(container: container))
        #expect(found.contains { $0.contains(words) }, "\(found)")
    }
}
