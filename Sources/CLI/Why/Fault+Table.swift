extension Fault {
    /// All faults, by group.
    static let all: [Fault] = manifest + image + configuration + start + network + end + probes + output + node + course

    static func named(_ name: String) -> Fault? { all.first { $0.name == name } }

    private static let manifest = [
        Fault(
            "manifest-syntax", .manifest, "the manifest is no YAML or JSON",
            fix: "correct the place that is named; \"swiftlet validate -f FILE\" checks it"),
        Fault(
            "manifest-unknown-field", .manifest, "the manifest has a field that a Pod does not have",
            fix: "correct the name or remove the field; \"swiftlet validate -f FILE\" checks it"),
        Fault(
            "manifest-refused-field", .manifest, "the manifest asks for something that this node does not do",
            fix: "remove the field, or change it to what is supported (man 5 podspec)"),
        Fault(
            "manifest-invalid-value", .manifest, "the manifest has a value that cannot be used",
            fix: "correct the value that is named; \"swiftlet validate -f FILE\" checks it"),
        Fault(
            "manifest-duplicate", .manifest, "two manifests name the same pod",
            fix: "rename the pod in one of the files, or remove one"),
        Fault(
            "manifest-owner", .manifest, "others than root may write the manifest, and so run anything as root",
            fix: "chown root FILE and chmod go-w FILE"),
        Fault(
            "manifest-unreadable", .manifest, "the manifest cannot be read",
            fix: "look at the file and at the disk below it; it is tried again every few seconds"),
        Fault(
            "record-unusable", .manifest, "the pod's record was written by a newer agent, or is damaged",
            fix: "start the newer agent again; when the record is damaged, remove the file that is named"),
    ]

    private static let image = [
        Fault(
            "image-missing", .image, "its image is not on this node, and could not be pulled",
            fix: "correct the image's name in the manifest, or load it with \"swiftlet image load FILE\""),
        Fault(
            "image-unknown", .image, "the registry has no such image",
            fix: "correct the image's name or tag in the manifest, or push the image"),
        Fault(
            "registry-unreachable", .image, "the image's registry cannot be reached",
            fix: "look at the machine's network and proxy, name a mirror in /etc/swiftlet/registries.yaml, or load the "
                + "image with \"swiftlet image load FILE\""),
        Fault(
            "registry-denied", .image, "the image's registry wants credentials, or others",
            fix: "put user and password into /etc/swiftlet/registries.yaml (docs/images.md says how)"),
        Fault(
            "image-unsigned", .image, "its image bears no signature that /etc/swiftlet/signatures.yaml demands",
            fix: "have it signed with one of the keys that are named there (cosign sign --key), or change the policy"),
        Fault(
            "image-never-pull", .image, "its image is not on this node, and imagePullPolicy is Never",
            fix: "load it with \"swiftlet image load FILE\", or correct the image's name in the manifest"),
        Fault(
            "image-name", .image, "its image has a name that is none",
            fix: "write it as REGISTRY/NAME:TAG, in small letters"),
    ]

    private static let configuration = [
        Fault(
            "runs-as-root", .configuration, "it would run as root, which runAsNonRoot forbids",
            fix: "set securityContext.runAsUser to a number other than 0, or remove runAsNonRoot"),
        Fault(
            "user-unknown", .configuration, "the image has no such user or group",
            fix: "set securityContext.runAsUser (and runAsGroup) to numbers, or put the user into the image"),
        Fault(
            "capability-missing", .configuration, "it asks for a capability that cannot be given",
            fix: "remove it from securityContext.capabilities.add, or give it to the agent's unit"),
        Fault(
            "seccomp-profile", .configuration, "its seccomp profile cannot be loaded",
            fix: "put the file into /var/lib/swiftlet/seccomp, or correct localhostProfile"),
        Fault(
            "apparmor-profile", .configuration, "its AppArmor profile is not loaded in the kernel",
            fix: "load it with \"apparmor_parser -r FILE\" (package apparmor), or correct localhostProfile; it then "
                + "starts by itself"),
        Fault(
            "host-path", .configuration, "the path of the host that a volume names is not what its type says",
            fix: "make it on the host, correct the path, or use type DirectoryOrCreate or FileOrCreate"),
        Fault(
            "sub-path", .configuration, "a subPath leads out of its volume, or cannot be made",
            fix: "correct the subPath; a link in the volume that leads outside is not followed"),
        Fault(
            "claim-missing", .configuration, "the PersistentVolumeClaim that a volume names is not there",
            fix: "apply its manifest, or correct claimName; claims are of the pod's namespace"),
        Fault(
            "claim-unbound", .configuration, "no PersistentVolume fits the claim that a volume names",
            fix:
                "apply one that has the storageClassName, the accessModes and the size (\"swiftlet get pv\" lists them)"
        ),
        Fault(
            "claim-in-use", .configuration, "another pod has the claim, which one pod at a time may have",
            fix: "end the other pod, or use the access mode ReadWriteOnce"),
        Fault(
            "local-volume", .configuration, "the folder of a local volume is not there, or is none",
            fix: "make the folder on this node, or correct local.path of the PersistentVolume"),
        Fault(
            "volume", .configuration, "a volume cannot be made ready",
            fix: "look at the message; it is tried again by itself"),
        Fault(
            "no-command", .configuration, "neither the manifest nor the image says what to run",
            fix: "set command in the manifest"),
        Fault(
            "environment", .configuration, "a variable of its environment cannot be determined",
            fix: "correct env in the manifest"),
    ]

    private static let start = [
        Fault(
            "command-not-found", .start, "the program is not in the image",
            fix: "correct command (its path, or PATH), or use an image that has the program"),
        Fault(
            "command-not-executable", .start, "the program may not be executed",
            fix: "chmod +x it in the image, or let the container run as a user who may; a folder is no program"),
        Fault(
            "wrong-architecture", .start,
            "the program is for another kind of machine, or a script without a #! line (exec format error)",
            fix: "use an image for this machine's architecture (uname -m); give a script its first line"),
        Fault(
            "interpreter-missing", .start, "the program is there, but not the interpreter or loader that it needs",
            fix: "use an image that has it, correct the #! line (also for Windows line ends), or link statically"),
        Fault(
            "working-folder", .start, "its working folder cannot be entered",
            fix: "correct workingDir, or let the container run as a user who may enter it"),
        Fault("start", .start, "the container could not be set up", fix: "look at the message"),
    ]

    private static let network = [
        Fault(
            "cni-plugin-missing", .network, "a network plugin that the configuration names is not installed",
            fix: "install the plugin into one of the folders that are named, or correct /etc/cni/net.d"),
        Fault(
            "cni-configuration", .network, "the network's configuration cannot be used",
            fix: "correct the files in /etc/cni/net.d; without any there is a built-in network"),
        Fault(
            "cni-failed", .network, "a network plugin failed", fix: "look at the message, and at the plugin's manual"),
        Fault(
            "host-port-taken", .network, "another pod has its hostPort",
            fix: "use another hostPort, or end the other pod"),
        Fault(
            "network-blocked", .network, "a firewall of this machine drops what pods send",
            fix: "start swiftletd with --open-firewall, or let the pods' bridge through in the chain that is named"),
        Fault("sandbox", .network, "its sandbox cannot be made", fix: "look at the message; it is tried again"),
    ]

    private static let end = [
        Fault(
            "out-of-memory", .end, "it used more memory than its limit, and the kernel killed it",
            fix: "raise resources.limits.memory, or make the program use less"),
        Fault(
            "system-call-denied", .end, "it made a system call that its seccomp profile forbids (SIGSYS)",
            fix: "allow the call in the profile, or use the type RuntimeDefault; the kernel's log names the call"),
        Fault(
            "program-crashed", .end, "the program crashed",
            fix: "this is an error of the program (or of its image for this processor); look at what it wrote"),
        Fault(
            "killed", .end, "it was killed (SIGKILL), and not for memory",
            fix: "somebody killed it: on the host, from inside the container, or a pod that did not end in time"),
        Fault(
            "terminated", .end, "somebody asked it to end (SIGTERM, SIGINT or SIGHUP)",
            fix: "look who sent the signal; use restartPolicy Always when it should run on"),
        Fault(
            "deadline-exceeded", .end, "the pod was active for longer than its activeDeadlineSeconds",
            fix: "look why it was not done in time, or give it more; \"swiftlet restart POD\" runs it once more"),
        Fault(
            "node-full", .end, "the node has no room for it beside the pods that are there, by what they request",
            fix: "end other pods, let it or them request less, or raise maxPods in "
                + "/etc/swiftlet/config.yaml; it begins by itself when there is room"),
        Fault(
            "sysctl-forbidden", .end, "it wants a kernel parameter that this node gives to no pod",
            fix: "remove it from securityContext.sysctls, or name it in allowedUnsafeSysctls of the configuration"),
        Fault(
            "apparmor-off", .end, "it asks for an AppArmor profile, and this node's kernel has no AppArmor",
            fix: "remove securityContext.appArmorProfile (or use the type Unconfined), or start the machine with "
                + "apparmor=1 security=apparmor"),
        Fault(
            "supervisor-lost", .end, "the pod's supervisor was ended from outside, and its containers with it",
            fix: "look in the machine's log who killed swiftlet-pod; the pod starts again by itself"),
        Fault(
            "exit-code", .end, "the program ended with a failure of its own",
            fix: "look at what it wrote: \"swiftlet logs POD\", of the run before with -p"),
    ]

    private static let probes = [
        Fault(
            "probe-failed", .probes, "its liveness or startup probe failed too often, and the node ended it",
            fix: "look why it did not answer; give a slow start a startupProbe, a slow answer more timeoutSeconds"),
        Fault(
            "not-ready", .probes, "its startup or readiness probe has not succeeded",
            fix: "look at what the probe said; \"swiftlet exec POD\" helps to try what it does"),
        Fault(
            "readiness-gate", .probes, "its containers are ready, and somebody else has not said that the pod is",
            fix: "look at who sets the condition of the gate; by hand: \"swiftlet condition POD TYPE=True\""),
    ]

    private static let output = [
        Fault(
            "port-taken", .output, "the port that it wants to listen on is taken",
            fix:
                "give it another port; with hostNetwork it shares the ports of the node (\"ss -ltnp\" names who has it)"
        ),
        Fault(
            "port-forbidden", .output, "it may not listen on its port",
            fix: "use a port from 1024 on, or add the capability NET_BIND_SERVICE"),
        Fault(
            "read-only-file-system", .output, "it writes to a file system that is read-only",
            fix: "mount a volume (an emptyDir) there, or set readOnlyRootFilesystem or readOnly to false"),
        Fault(
            "disk-full", .output, "a disk or a volume is full",
            fix: "make room, or raise the volume's sizeLimit; \"swiftlet get volumes\" says what is mounted where"),
        Fault(
            "too-many-processes", .output, "it may not have more processes",
            fix: "raise podPidsLimit in /etc/swiftlet/config.yaml, or find out why it has so many"),
        Fault(
            "too-many-files", .output, "it may not open more files",
            fix: "raise LimitNOFILE= of swiftlet-pods.service, or find out why it opens so many"),
        Fault(
            "name-not-resolved", .output, "a name cannot be resolved",
            fix: "correct the name; look at /etc/resolv.conf in the container and at dnsPolicy"),
        Fault(
            "not-reachable", .output, "something that it needs cannot be reached or refuses the connection",
            fix: "start what it needs first, or correct the address; \"swiftlet exec POD\" helps to try"),
        Fault(
            "library-missing", .output, "a shared library is missing in the image",
            fix: "install the library in the image, or use an image with the same C library"),
        Fault(
            "operation-not-permitted", .output,
            "it does what its capabilities, its user or its seccomp profile do not allow",
            fix: "add the capability in securityContext.capabilities.add, or run it as another user"),
        Fault(
            "permission-denied", .output, "its user may not use a file or folder",
            fix: "set securityContext.runAsUser, or fsGroup for volumes, or change the file's owner in the image"),
        Fault(
            "file-missing", .output, "a file or folder that it needs is not there",
            fix: "correct the path, mount the volume that has it, or use another image"),
    ]

    private static let node = [
        Fault(
            "node-disk-full", .node, "a disk of this node is full",
            fix: "make room on it; \"swiftlet image ls\" lists images, \"swiftlet image rm\" removes them"),
        Fault(
            "draining", .node, "the node drains: all pods end and none is started",
            fix: "restart the agent: \"systemctl restart swiftletd\""),
        Fault(
            "limits-not-enforced", .node,
            "this machine cannot enforce some of the pod's limits: its kernel has them on cgroup v1, or the file "
                + "system of its pods has no project quotas",
            fix: "for cpu, memory and pids start the machine with systemd.unified_cgroup_hierarchy=1; for "
                + "ephemeral-storage and sizeLimit mount the file system of the pods (ext4, XFS) with prjquota"),
    ]

    private static let course = [
        Fault(
            "stopped", .course, "the operator stopped it (\"swiftlet stop\"), and it stays so until it is started",
            fix: "\"swiftlet start POD\" runs it again"),
        Fault("completed", .course, "its program has done its work and ended with exit code 0"),
        Fault(
            "completed-restarts", .course, "its program ends with exit code 0 and is started again by restartPolicy",
            fix: "use restartPolicy OnFailure or Never for work that ends"),
        Fault("initializing", .course, "an init container still runs; the others wait for it"),
        Fault("terminating", .course, "the pod is being ended; its programs have their grace period"),
        Fault("starting", .course, "it is being started"),
        Fault("running", .course, "nothing: it runs and is ready"),
    ]
}
