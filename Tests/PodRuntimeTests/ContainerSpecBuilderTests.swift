import JSON
import Kube
import OCI
import PodProtocol
import PodRuntime
import Testing

@Suite struct ContainerSpecBuilderTests {
    static func context(_ spec: PodSpec, capabilities: [String] = Capability.names) throws -> PodContext {
        let node = NodeFacts(
            name: "node-1", addresses: ["192.0.2.1"], memoryCapacity: 4 << 30, allocatableMilliCPU: 2000,
            allocatableMemory: 4 << 30, capabilities: capabilities)
        return PodContext(
            pod: Pod(metadata: ObjectMeta(name: "web", namespace: "prod", uid: "u-1"), spec: spec),
            directory: try #require(PodDirectory(root: "/pods", uid: "u-1")), node: node, podIPs: [],
            names: PodNames(host: spec.hostNetwork ? "node-1" : "web"), logs: "/var/log/pods",
            volumes: ["data": "/pods/u-1/volumes/kubernetes.io~empty-dir/data", "host": "/srv"])
    }

    static func image(_ change: (inout ImageConfig) -> Void = { _ in }) -> ImageConfig {
        var image = ImageConfig()
        image.entrypoint = ["/entry"]
        image.cmd = ["serve"]
        change(&image)
        return image
    }

    static func plan(
        _ container: Container, _ spec: PodSpec = PodSpec(), image: ImageConfig = image(),
        capabilities: [String] = Capability.names, attempt: Int = 0, hostDevices: [RuntimeDevice] = []
    ) throws -> ContainerPlan {
        var spec = spec
        spec.containers.append(container)
        return try ContainerSpecBuilder(try context(spec, capabilities: capabilities))
            .plan(container, image: image, layers: ["/l2", "/l1"], attempt: attempt, hostDevices: hostDevices)
    }

    static func container(_ change: (inout Container) -> Void = { _ in }) -> Container {
        var container = Container(name: "c", image: "i")
        change(&container)
        return container
    }

    @Test func whatTheAgentWritesIsNoContainersToChange() throws {
        var spec = PodSpec()
        spec.volumes = [
            Volume(name: "data", files: ProjectedFiles(.secret, [.init(data: .init(.secret, name: "s"))])),
            Volume(name: "host", hostPath: HostPathVolumeSource(path: "/srv")),
        ]
        let mounts = try Self.plan(
            Self.container {
                $0.volumeMounts = [
                    VolumeMount(name: "data", mountPath: "/d"),
                    VolumeMount(name: "data", mountPath: "/p", subPath: "x"),
                    VolumeMount(name: "host", mountPath: "/h"),
                ]
            }, spec
        ).spec.mounts
        for (place, option) in [("/d", "ro"), ("/p", "ro"), ("/h", "rw")] {
            #expect(mounts.first { $0.destination == place }?.options.contains(option) == true, "\(place)")
        }
    }

    @Test func aPartOfAVolumeIsNamedByTheContainersVariables() throws {
        func plan(_ expression: String, _ value: String = "logs") throws -> ContainerPlan {
            try Self.plan(
                Self.container {
                    $0.env = [EnvVar(name: "NAME", value: value)]
                    var mount = VolumeMount(name: "data", mountPath: "/d")
                    mount.subPathExpr = expression
                    $0.volumeMounts = [VolumeMount(name: "host", mountPath: "/h"), mount]
                })
        }
        let good = try plan("a/$(NAME)/$$(NAME)")
        let target = "/pods/u-1/volume-subpaths/data/c/1"
        let part = try #require(good.subPaths.first)
        #expect(good.subPaths.count == 1 && part.volume == "data" && part.target == target)
        #expect(part.source.hasSuffix("~empty-dir/data") && part.path == "a/logs/$(NAME)")
        #expect(good.spec.mounts.first { $0.destination == "/d" }?.source == target)
        func refusal(_ expression: String, _ value: String = "logs") -> String? {
            do {
                _ = try plan(expression, value)
                return nil
            } catch { return "\(error)" }
        }
        #expect(refusal("$(B)/$(A)/$(NAME)") == "missing value for A, B")
        #expect(refusal("$(NAME)", "") == "missing value for NAME")
        #expect(refusal("$(NAME)", "/etc") == "error SubPath `/etc` must not be an absolute path")
        #expect(refusal("a/$(NAME)", "../..") == "unable to provision SubPath `a/../..`: must not contain '..'")
    }

    @Test func mountsTravelAndAreSealedOnlyAsAskedFor() throws {
        func options(_ change: (inout VolumeMount) -> Void) throws -> [String]? {
            var mount = VolumeMount(name: "host", mountPath: "/h")
            change(&mount)
            let plan = try Self.plan(Self.container { $0.volumeMounts = [mount] })
            return plan.spec.mounts.first { $0.destination == "/h" }?.options
        }
        #expect(try options { _ in } == ["rbind", "rprivate", "rw"])
        #expect(try options { $0.mountPropagation = MountPropagationMode.none } == ["rbind", "rprivate", "rw"])
        #expect(try options { $0.mountPropagation = .hostToContainer } == ["rbind", "rslave", "rw"])
        #expect(try options { $0.mountPropagation = .bidirectional } == ["rbind", "rshared", "rw"])
        #expect(try options { $0.readOnly = true } == ["rbind", "rprivate", "ro"])
        for mode in [RecursiveReadOnlyMode.ifPossible, .enabled] {
            #expect(
                try options { ($0.readOnly, $0.recursiveReadOnly) = (true, mode) } == [
                    "rbind", "rprivate", "ro", "rro",
                ])
        }
        #expect(
            try options { ($0.readOnly, $0.recursiveReadOnly) = (true, .disabled) } == ["rbind", "rprivate", "ro"])
    }

    // MARK: The process

    private struct Command: Sendable {
        var entrypoint: [String]?
        var cmd: [String]?
        var command: [String]
        var args: [String]
        var expected: [String]?
        init(_ entrypoint: [String]?, _ cmd: [String]?, _ command: [String], _ args: [String], _ expected: [String]?) {
            (self.entrypoint, self.cmd, self.command, self.args, self.expected) =
                (entrypoint, cmd, command, args, expected)
        }
    }

    @Test(arguments: [
        Command(["/e"], ["c"], [], [], ["/e", "c"]), Command(["/e"], ["c"], [], ["a"], ["/e", "a"]),
        Command(["/e"], ["c"], ["/x"], [], ["/x"]), Command(["/e"], ["c"], ["/x"], ["a"], ["/x", "a"]),
        Command(nil, ["c"], [], [], ["c"]), Command(nil, nil, [], ["a"], ["a"]),
        Command(["/e"], nil, [], ["$(V)", "$$(V)", "$(N)"], ["/e", "v", "$(V)", "$(N)"]),
        Command(["$(V)"], nil, [], [], ["$(V)"]), Command(nil, nil, [], [], nil), Command(nil, nil, [""], [], nil),
    ])
    private func commandAndArgsReplaceTheImages(case: Command) throws {
        let container = Self.container {
            ($0.command, $0.args) = (`case`.command, `case`.args)
            $0.env = [EnvVar(name: "V", value: "v")]
        }
        let image = Self.image { ($0.entrypoint, $0.cmd) = (`case`.entrypoint, `case`.cmd) }
        if let expected = `case`.expected {
            #expect(try Self.plan(container, image: image).spec.process.args == expected)
        } else {
            #expect(throws: ContainerConfigError(.createContainer, "no command specified")) {
                try Self.plan(container, image: image)
            }
        }
    }

    @Test(
        arguments: [(nil, "", "/"), (nil, "/app", "/app"), (nil, "app", "/app"), ("/w", "/app", "/w")]
            as [(
                String?, String, String
            )])
    func theWorkingFolderIsTheManifestsOrTheImagesOrTheRoot(manifest: String?, image: String, expected: String) throws {
        let plan = try Self.plan(
            Self.container { $0.workingDir = manifest }, image: Self.image { $0.workingDir = image })
        #expect(plan.spec.process.cwd == expected)
    }

    @Test(
        arguments: [
            (nil, 15), ("SIGQUIT", 3), ("int", 2), ("9", 9), ("SIGRTMIN+3", 37), ("RTMAX-1", 63), ("SIGNONE", nil),
            ("0", nil), ("65", nil), ("RTMIN+31", nil), ("SIGRTMIN+99999999999", nil),
        ] as [(String?, Int32?)])
    func theImagesStopSignal(name: String?, number: Int32?) throws {
        let image = Self.image { $0.stopSignal = name }
        if let number {
            #expect(try Self.plan(Self.container(), image: image).stopSignal == number)
        } else {
            #expect(throws: ContainerConfigError.self) { try Self.plan(Self.container(), image: image) }
        }
    }

    // MARK: Security

    @Test(
        arguments: [
            (
                "", nil, nil,
                "container has runAsNonRoot and image will run as root (pod: \"web_prod(u-1)\", container: c)"
            ),
            (
                "0", nil, nil,
                "container has runAsNonRoot and image will run as root (pod: \"web_prod(u-1)\", container: c)"
            ),
            (
                "0:1000", nil, nil,
                "container has runAsNonRoot and image will run as root (pod: \"web_prod(u-1)\", container: c)"
            ),
            (
                "www:data", nil, nil,
                "container has runAsNonRoot and image has non-numeric user (www), cannot verify user is non-root "
                    + "(pod: \"web_prod(u-1)\", container: c)"
            ),
            ("1000", nil, 0, "container's runAsUser breaks non-root policy (pod: \"web_prod(u-1)\", container: c)"),
            ("1000", 0, nil, "container's runAsUser breaks non-root policy (pod: \"web_prod(u-1)\", container: c)"),
            ("", 0, 7, nil), ("1000:0", nil, nil, nil), ("root", 1000, nil, nil),
        ] as [(String, Int64?, Int64?, String?)])
    func runAsNonRootIsJudgedInTheKubeletsWords(image: String, pod: Int64?, own: Int64?, message: String?) throws {
        var spec = PodSpec()
        spec.securityContext.runAsNonRoot = true
        spec.securityContext.runAsUser = pod
        let container = Self.container {
            $0.securityContext = SecurityContext()
            $0.securityContext?.runAsUser = own
        }
        let config = Self.image { $0.user = image }
        if let message {
            #expect(throws: ContainerConfigError(.createContainerConfig, message)) {
                try Self.plan(container, spec, image: config)
            }
        } else {
            let plan = try Self.plan(container, spec, image: config)
            #expect(plan.user.mustNotBeRoot)
            #expect(plan.user.uid.map(Int64.init) == own ?? pod)
        }
    }

    @Test func theContainersSecurityGoesBeforeThePods() throws {
        var spec = PodSpec()
        (spec.securityContext.runAsUser, spec.securityContext.runAsGroup) = (1, 2)
        spec.securityContext.runAsNonRoot = true
        spec.securityContext.seccompProfile = SeccompProfile(type: .unconfined)
        let inherits = try Self.plan(Self.container(), spec)
        #expect(inherits.user == StartContainer.User(image: "", uid: 1, gid: 2, mustNotBeRoot: true))
        #expect(inherits.seccomp == .unconfined)
        var security = SecurityContext()
        (security.runAsUser, security.runAsGroup, security.runAsNonRoot) = (0, 4, false)
        security.seccompProfile = SeccompProfile(type: .runtimeDefault)
        let own = try Self.plan(Self.container { $0.securityContext = security }, spec)
        #expect(own.user == StartContainer.User(image: "", uid: 0, gid: 4, mustNotBeRoot: false))
        #expect(own.seccomp == .runtimeDefault(capabilities: own.spec.process.capabilities.bounding))
    }

    @Test func theGroupsOfAUserAreTheVolumesThePodsAndUnlessStrictTheImages() throws {
        var spec = PodSpec()
        spec.securityContext.fsGroup = 2000
        spec.securityContext.supplementalGroups = [3000, 4000]
        let merged = try Self.plan(Self.container(), spec).user
        #expect(merged.groups == [2000, 3000, 4000] && merged.usesImageGroups)
        spec.securityContext.supplementalGroupsPolicy = .merge
        #expect(try Self.plan(Self.container(), spec).user == merged)
        spec.securityContext.supplementalGroupsPolicy = .strict
        #expect(try !Self.plan(Self.container(), spec).user.usesImageGroups)
        spec.securityContext.fsGroup = -1
        #expect(throws: ContainerConfigError.self) { try Self.plan(Self.container(), spec) }
    }

    @Test(arguments: [-1, 4_294_967_295, 4_294_967_296] as [Int64])
    func aUserThatIsNoIdIsRefusedAndNeverWraps(uid: Int64) {
        var security = SecurityContext()
        security.runAsUser = uid
        #expect(throws: ContainerConfigError.self) { try Self.plan(Self.container { $0.securityContext = security }) }
    }

    private static let usual = [
        "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
        "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT", "CAP_MKNOD", "CAP_AUDIT_WRITE",
        "CAP_SETFCAP",
    ]

    @Test func theUsualCapabilitiesAreContainerds() throws {
        let capabilities = try Self.plan(Self.container()).spec.process.capabilities
        #expect(capabilities == RuntimeCapabilities(Self.usual))
        #expect(capabilities.inheritable.isEmpty && capabilities.ambient.isEmpty)
    }

    @Test(
        arguments: [
            (["NET_ADMIN"], ["MKNOD"], usual.filter { $0 != "CAP_MKNOD" } + ["CAP_NET_ADMIN"]),
            (["cap_net_admin", "CAP_SYS_TIME"], ["ALL"], ["CAP_NET_ADMIN", "CAP_SYS_TIME"]),
            ([], ["all"], []), (["ALL"], ["CHOWN"], Capability.names.filter { $0 != "CAP_CHOWN" }),
            (["CHOWN"], ["CHOWN"], usual.filter { $0 != "CAP_CHOWN" }),
        ] as [([String], [String], [String])])
    func capabilitiesAreAddedAndDropped(add: [String], drop: [String], expected: [String]) throws {
        var security = SecurityContext()
        security.capabilities = Capabilities(add: add, drop: drop)
        let plan = try Self.plan(Self.container { $0.securityContext = security })
        #expect(Set(plan.spec.process.capabilities.bounding) == Set(expected))
    }

    @Test func whatTheAgentDoesNotHaveCannotBeGiven() throws {
        let available = Capability.names.filter { $0 != "CAP_SYS_RESOURCE" && $0 != "CAP_MKNOD" }
        var security = SecurityContext()
        security.privileged = true
        let privileged = Self.container { $0.securityContext = security }
        #expect(
            try Self.plan(privileged, capabilities: available).spec.process.capabilities.bounding == available)
        #expect(
            try Self.plan(Self.container(), capabilities: available).spec.process.capabilities.bounding
                == Self.usual.filter { $0 != "CAP_MKNOD" })
        security.privileged = false
        security.capabilities = Capabilities(add: ["SYS_RESOURCE"])
        #expect(throws: ContainerConfigError.self) {
            try Self.plan(Self.container { $0.securityContext = security }, capabilities: available)
        }
        security.capabilities = Capabilities(add: ["FLY"])
        #expect(throws: ContainerConfigError(.createContainer, "unknown capability \"FLY\"")) {
            try Self.plan(Self.container { $0.securityContext = security })
        }
    }

    @Test func noNewPrivilegesOnlyWhenEscalationIsForbidden() throws {
        func flag(_ value: Bool?) throws -> Bool {
            var security = SecurityContext()
            security.allowPrivilegeEscalation = value
            return try Self.plan(Self.container { $0.securityContext = security }).spec.process.noNewPrivileges
        }
        #expect(try flag(nil) == false)
        #expect(try flag(true) == false)
        #expect(try flag(false) == true)
    }

    // MARK: Mounts

    @Test func aVolumeGoesBeforeADefaultMountAndDeeperOnesComeLater() throws {
        let container = Self.container {
            $0.volumeMounts = [
                VolumeMount(name: "data", mountPath: "/a/b/../c"), VolumeMount(name: "host", mountPath: "/a"),
                VolumeMount(name: "data", mountPath: "/dev/shm/"), VolumeMount(name: "host", mountPath: "/etc/hosts"),
            ]
        }
        let mounts = try Self.plan(container).spec.mounts
        #expect(
            mounts.filter { $0.destination == "/dev/shm" }.map(\.source) == [
                "/pods/u-1/volumes/kubernetes.io~empty-dir/data"
            ])
        #expect(mounts.filter { $0.destination == "/etc/hosts" }.map(\.source) == ["/srv"])
        let destinations = mounts.map(\.destination)
        let outer = try #require(destinations.firstIndex(of: "/a"))
        let inner = try #require(destinations.firstIndex(of: "/a/c"))
        #expect(outer < inner)
    }

    @Test func aVolumeAtDevTakesTheDefaultsInItAway() throws {
        let container = Self.container { $0.volumeMounts = [VolumeMount(name: "host", mountPath: "/dev")] }
        let destinations = try Self.plan(container).spec.mounts.map(\.destination).filter { $0.hasPrefix("/dev") }
        #expect(destinations == ["/dev", "/dev/termination-log"])
    }

    @Test func aVolumeThatIsNotThereOrAtTheRootIsRefused() {
        let missing = Self.container { $0.volumeMounts = [VolumeMount(name: "none", mountPath: "/x")] }
        #expect(
            throws: ContainerConfigError(
                .createContainerConfig, "cannot find volume \"none\" to mount into container \"c\"")
        ) { try Self.plan(missing) }
        for path in ["/", "/..", "/a/.."] {
            let root = Self.container { $0.volumeMounts = [VolumeMount(name: "data", mountPath: path)] }
            #expect(throws: ContainerConfigError.self) { try Self.plan(root) }
        }
    }

    @Test func readOnlyRootAndVolumesAreReadOnly() throws {
        var security = SecurityContext()
        security.readOnlyRootFilesystem = true
        let container = Self.container {
            $0.securityContext = security
            $0.volumeMounts = [VolumeMount(name: "data", mountPath: "/data", readOnly: true)]
        }
        let spec = try Self.plan(container).spec
        #expect(spec.root.readonly)
        func options(_ path: String) -> [String]? { spec.mounts.first { $0.destination == path }?.options }
        #expect(options("/data") == ["rbind", "rprivate", "ro"])
        #expect(options("/etc/resolv.conf") == ["rbind", "rprivate", "ro"])
        #expect(options("/etc/hosts") == ["rbind", "rprivate", "rw"])
        #expect(options("/dev/termination-log") == ["rbind", "rprivate", "rw"])
    }

    @Test func sharedNamespacesAreNotMadeAnew() throws {
        func kinds(_ change: (inout PodSpec) -> Void) throws -> [RuntimeNamespace.Kind] {
            var spec = PodSpec()
            change(&spec)
            return try Self.plan(Self.container(), spec).spec.linux.namespaces.map(\.kind)
        }
        #expect(try kinds { _ in } == [.mount, .pid, .cgroup])
        #expect(try kinds { $0.shareProcessNamespace = true } == [.mount, .cgroup])
        #expect(try kinds { $0.hostPID = true } == [.mount, .cgroup])
    }

    @Test func theSupervisorIsToldOfTheNamespacesOfThePod() throws {
        var spec = PodSpec()
        let own = PodConfiguration(try Self.context(spec), runFolder: "/run/p", networkNamespace: "/run/n")
        #expect(
            own
                == PodConfiguration(
                    uid: "u-1", name: "prod/web", hostname: "web", network: .path("/run/n"), ipc: .own, uts: .own,
                    sharesProcessNamespace: false, runFolder: "/run/p"))
        (spec.hostNetwork, spec.hostIPC, spec.hostPID, spec.shareProcessNamespace) = (true, true, true, true)
        let host = PodConfiguration(try Self.context(spec), runFolder: "/run/p", networkNamespace: "/run/n")
        #expect(
            host
                == PodConfiguration(
                    uid: "u-1", name: "prod/web", hostname: nil, network: .host, ipc: .host, uts: .host,
                    sharesProcessNamespace: false, runFolder: "/run/p"))
    }

    @Test func theRequestToTheSupervisor() throws {
        let plan = try Self.plan(Self.container(), image: Self.image { $0.user = "www" }, attempt: 2)
        let start = plan.start(id: "x-1", seccompProgram: "/run/s.bpf", cgroup: "/sys/fs/cgroup/c")
        #expect(start.container == "c" && start.attempt == 2 && start.id == "x-1")
        #expect(
            start.root
                == .overlay(
                    lower: ["/l2", "/l1"], upper: "/pods/u-1/containers/c/2/upper",
                    work: "/pods/u-1/containers/c/2/work"))
        #expect(start.log == .init(path: "/var/log/pods/prod_web_u-1/c/2.log"))
        #expect(start.user.image == "www" && start.stopSignal == 15)
        #expect(try RuntimeSpec(json: start.spec) == plan.spec)
    }
}
