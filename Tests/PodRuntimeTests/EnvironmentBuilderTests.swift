import Kube
import OCI
import PodRuntime
import Testing

@Suite struct EnvironmentBuilderTests {
    static let node = NodeFacts(
        name: "node-1", addresses: ["192.0.2.1", "2001:db8::1"], memoryCapacity: 8 << 30, allocatableMilliCPU: 3500,
        allocatableMemory: 7 << 30, allocatableStorage: 100 << 30)

    static func pod(_ containers: [Container]) -> Pod {
        let metadata = ObjectMeta(
            name: "web", namespace: "prod", uid: "u-1", labels: ["app": "shop", "a.b/c": "x"],
            annotations: ["note": "hello"])
        var spec = PodSpec(containers: containers)
        spec.serviceAccountName = "robot"
        return Pod(metadata: metadata, spec: spec)
    }

    static func field(_ path: String) -> EnvVar {
        EnvVar(name: "V", valueFrom: EnvVarSource(fieldRef: ObjectFieldSelector(fieldPath: path)))
    }

    func variables(_ env: [EnvVar], podIPs: [String] = []) throws(ContainerConfigError) -> [String] {
        var container = Container(name: "c", image: "i")
        container.env = env
        return try EnvironmentBuilder(pod: Self.pod([container]), node: Self.node, podIPs: podIPs)
            .variables(of: container).map { "\($0.name)=\($0.value)" }
    }

    @Test func aValueRefersToEarlierVariablesOnly() throws {
        let env = [
            EnvVar(name: "A", value: "1"), EnvVar(name: "B", value: "$(A)-$(C)-$$(A)"),
            EnvVar(name: "C", value: "$(B)"), EnvVar(name: "A", value: "$(A)2"),
        ]
        #expect(try variables(env) == ["A=12", "B=1-$(C)-$(A)", "C=1-$(C)-$(A)"])
    }

    // MARK: ConfigMaps and Secrets

    private static let objects = DataObjects([
        DataObject(
            .configMap, ObjectMeta(name: "m", namespace: "prod"),
            data: ["color": Array("red".utf8), "odd-name.x": Array("1".utf8)], binaryData: ["raw": [0xFF]]),
        DataObject(
            .secret, ObjectMeta(name: "s", namespace: "prod"),
            data: ["color": Array("blue".utf8), "bytes": [0xFF], "zero": [0]]),
        DataObject(.secret, ObjectMeta(name: "t", namespace: "prod"), data: ["color": Array("green".utf8)]),
        DataObject(.secret, ObjectMeta(name: "elsewhere", namespace: "other"), data: ["a": [0x61]]),
    ])

    private func resolved(
        from sources: [EnvFromSource] = [], _ env: [EnvVar] = []
    ) throws(ContainerConfigError) -> [String] {
        var container = Container(name: "c", image: "i")
        (container.envFrom, container.env) = (sources, env)
        return try EnvironmentBuilder(
            pod: Self.pod([container]), node: Self.node, podIPs: [], objects: Self.objects
        ).variables(of: container).map { "\($0.name)=\($0.value)" }
    }

    private static func key(
        _ kind: DataObject.Kind, _ name: String, _ key: String, optional: Bool? = nil
    ) -> EnvVar {
        EnvVar(name: "V", valueFrom: EnvVarSource(keyRef: .init(kind, name: name, key: key, optional: optional)))
    }

    @Test func wholeObjectsComeFirstInTheirOrderALaterOneGoesBeforeAndEnvGoesBeforeAll() throws {
        let map = EnvFromSource(DataReference(.configMap, name: "m"))
        let secret = EnvFromSource(DataReference(.secret, name: "t"))
        let prefixed = EnvFromSource(DataReference(.secret, name: "t"), prefix: "P.")
        #expect(try resolved(from: [map]) == ["color=red", "odd-name.x=1"], "binaryData is no text")
        #expect(try resolved(from: [map, secret]) == ["color=green", "odd-name.x=1"])
        #expect(try resolved(from: [secret, map, prefixed]) == ["color=red", "odd-name.x=1", "P.color=green"])
        let env = [EnvVar(name: "A", value: "$(color)-$(P.color)"), EnvVar(name: "color", value: "own $(color)")]
        #expect(try resolved(from: [secret], env) == ["color=own green", "A=green-$(P.color)"])
    }

    @Test func oneValueIsTakenFromAnObjectOfThePodsNamespace() throws {
        #expect(try resolved([Self.key(.configMap, "m", "color")]) == ["V=red"])
        #expect(try resolved([Self.key(.secret, "s", "color")]) == ["V=blue"])
    }

    @Test(arguments: [
        (DataObject.Kind.configMap, "none", "k", "configmap \"none\" not found"),
        (.secret, "elsewhere", "a", "secret \"elsewhere\" not found"),
        (.configMap, "m", "raw", "couldn't find key raw in ConfigMap prod/m"),
        (.secret, "s", "none", "couldn't find key none in Secret prod/s"),
    ])
    func whatIsMissingIsSaidInTheKubeletsWordsUnlessItIsOptional(
        kind: DataObject.Kind, name: String, key: String, message: String
    ) throws {
        let error = #expect(throws: ContainerConfigError.self) { try resolved([Self.key(kind, name, key)]) }
        #expect(error?.message == message && error?.reason == .createContainerConfig && error?.isOfObject == true)
        let before = EnvVar(name: "V", value: "before")
        #expect(try resolved([before, Self.key(kind, name, key, optional: true)]) == ["V=before"])
    }

    @Test func aMissingWholeObjectIsAMistakeUnlessItIsOptional() throws {
        let source = EnvFromSource(DataReference(.configMap, name: "none"))
        let error = #expect(throws: ContainerConfigError.self) { try resolved(from: [source]) }
        #expect(error?.message == "configmap \"none\" not found")
        #expect(try resolved(from: [EnvFromSource(DataReference(.configMap, name: "none", optional: true))]) == [])
    }

    @Test(arguments: ["bytes", "zero"]) func whatIsNoTextIsNoVariable(key: String) {
        let error = #expect(throws: ContainerConfigError.self) { try resolved([Self.key(.secret, "s", key)]) }
        #expect(error?.reason == .createContainerConfig)
    }

    @Test(arguments: [
        ("metadata.name", "web"), ("metadata.namespace", "prod"), ("metadata.uid", "u-1"),
        ("metadata.labels['app']", "shop"), ("metadata.labels['a.b/c']", "x"), ("metadata.labels['none']", ""),
        ("metadata.annotations['note']", "hello"), ("spec.nodeName", "node-1"),
        ("spec.serviceAccountName", "robot"), ("status.hostIP", "192.0.2.1"),
        ("status.hostIPs", "192.0.2.1,2001:db8::1"), ("status.podIP", "10.0.0.1"),
        ("status.podIPs", "10.0.0.1,fd00::1"),
    ])
    func fieldsOfThePod(path: String, value: String) throws {
        #expect(try variables([Self.field(path)], podIPs: ["10.0.0.1", "fd00::1"]) == ["V=" + value])
    }

    @Test func aPodWithoutAnAddressHasAnEmptyOne() throws {
        #expect(try variables([Self.field("status.podIP")]) == ["V="])
    }

    @Test(arguments: [
        ("spec.hostname", "field label not supported: spec.hostname"),
        ("spec.nodeName['x']", "field label does not support subscript: spec.nodeName"),
        ("metadata.labels['", "field label not supported: metadata.labels['"),
        ("", "field label not supported: "),
    ])
    func aFieldThatIsNotThereIsAnErrorInTheKubeletsWords(path: String, message: String) {
        #expect(throws: ContainerConfigError(.createContainerConfig, message)) { try variables([Self.field(path)]) }
    }

    @Test(arguments: [
        ("a", "requests.cpu", "0", "1"), ("a", "requests.cpu", "1m", "250"), ("a", "limits.cpu", "1", "1"),
        ("a", "limits.cpu", "100m", "5"), ("a", "requests.memory", "1Mi", "64"),
        ("a", "limits.memory", "1", "134217728"),
        ("a", "limits.memory", "100M", "2"), ("b", "limits.cpu", "1", "4"), ("b", "limits.memory", "1Gi", "7"),
        ("b", "requests.cpu", "1", "0"), ("b", "limits.ephemeral-storage", "1Gi", "100"),
    ])
    func resourcesAreRoundedUpToTheDivisorAndMeasuredByTheNodeWithoutALimit(
        container name: String, resource: String, divisor: String, expected: String
    ) throws {
        var limited = Container(name: "a", image: "i")
        limited.resources = ResourceRequirements(
            limits: ["cpu": try #require(Quantity("500m")), "memory": try #require(Quantity("128Mi"))],
            requests: ["cpu": try #require(Quantity("250m")), "memory": try #require(Quantity("64Mi"))])
        var asking = Container(name: "b", image: "i")
        asking.env = [
            EnvVar(
                name: "V",
                valueFrom: EnvVarSource(
                    resourceFieldRef: ResourceFieldSelector(
                        resource: resource, containerName: name, divisor: try #require(Quantity(divisor)))))
        ]
        let builder = EnvironmentBuilder(pod: Self.pod([limited, asking]), node: Self.node, podIPs: [])
        #expect(try builder.variables(of: asking).map(\.value) == [expected])
    }

    @Test func aResourceOfAnUnknownContainerOrKindIsAnError() {
        func variable(_ resource: String, _ container: String?) -> EnvVar {
            EnvVar(
                name: "V",
                valueFrom: EnvVarSource(
                    resourceFieldRef: ResourceFieldSelector(resource: resource, containerName: container)))
        }
        #expect(throws: ContainerConfigError(.createContainerConfig, "container x not found")) {
            try variables([variable("limits.cpu", "x")])
        }
        #expect(throws: ContainerConfigError(.createContainerConfig, "unsupported container resource : limits.gpu")) {
            try variables([variable("limits.gpu", nil)])
        }
    }

    @Test func theManifestGoesBeforeTheImageAndTheImageBeforeTheDefaults() {
        var image = ImageConfig()
        image.env = ["A=image", "B=image", "HOSTNAME=other", "PATH=/image", "ODD"]
        let environment = EnvironmentBuilder.environment(
            [.init(name: "B", value: "pod"), .init(name: "E", value: "a=b")], image: image, hostname: "web")
        #expect(environment == ["HOSTNAME=other", "A=image", "B=pod", "PATH=/image", "ODD", "E=a=b"])
        #expect(
            EnvironmentBuilder.environment([], image: ImageConfig(), hostname: "web", terminal: true)
                == ["HOSTNAME=web", "TERM=xterm", "PATH=" + EnvironmentBuilder.defaultPath])
    }

    @Test func aVariableOfAFileIsThatOfTheMomentOrItIsSaidWhyNot() throws {
        let pod = Pod(metadata: ObjectMeta(name: "p", namespace: "ns", uid: "u"), spec: PodSpec())
        let node = NodeFacts(
            name: "n", addresses: [], memoryCapacity: 0, allocatableMilliCPU: 0, allocatableMemory: 0)
        let files = EnvFiles([
            .init(volume: "v", path: "env"): .file(try EnvFile(parsing: Array("A='$(X)'".utf8))),
            .init(volume: "v", path: "none"): .nothing, .init(volume: "v", path: "bad"): .unusable("line 1: x"),
        ])
        let builder = EnvironmentBuilder(pod: pod, node: node, podIPs: [], files: files)
        func outcome(_ path: String, _ key: String, _ optional: Bool? = nil) -> String {
            var container = Container(name: "c", image: "i")
            let selector = FileKeySelector(volumeName: "v", path: path, key: key, optional: optional)
            container.env = [
                EnvVar(name: "X", value: "x"), EnvVar(name: "E", valueFrom: EnvVarSource(fileKeyRef: selector)),
            ]
            do throws(ContainerConfigError) {
                return try builder.variables(of: container).last.map { "\($0.name)=\($0.value)" } ?? ""
            } catch { return "\(error.reason.rawValue): \(error.message)" }
        }
        #expect(outcome("env", "A") == "E=$(X)", "taken as it is")
        let reason = "CreateContainerConfigError: "
        #expect(outcome("env", "B") == reason + "environment variable key \"B\" not found in file \"env\"")
        #expect(outcome("none", "A") == reason + "env file \"none\" not found in volume \"v\"")
        #expect(outcome("bad", "A", true) == reason + "couldn't parse env file \"bad\": line 1: x")
        #expect(outcome("env", "B", true) == "X=x" && outcome("none", "A", true) == "X=x")
    }
}
