import Base
import CNITypes
import HTTP
import JSON
import Kube
import PodRuntime

extension ConfigurationField {
    /// All fields, in the order in which they are shown.
    public static let all: [ConfigurationField] = [
        ConfigurationField(
            "nodeName", "The name of the node in the status of pods and in events.", absence: "the host's name",
            needsRestart: true,
            set: { value, settings in
                guard let name = value.stringValue, !name.isEmpty else { return expected("a name", value) }
                settings.nodeName = name
                return nil
            }, value: { $0.nodeName.map { .string($0) } }),
        ConfigurationField(
            "staticPodPath", "The folder of manifests.", absence: "/etc/podspecs", needsRestart: true,
            set: { value, settings in
                guard let path = value.stringValue else { return expected("a path", value) }
                guard Path.isClean(path), path != "/" else { return "expected the absolute path of a folder" }
                settings.manifestFolder = path
                return nil
            }, value: { $0.manifestFolder.map { .string($0) } }),
        ConfigurationField(
            "podsURL", "A URL that is asked for a v1 Pod, PodList or List, beside the folder of manifests.",
            set: { EndpointFields.url($0, &$1.podsEndpoint) },
            value: { $0.podsEndpoint.url.map { .string($0.description) } }),
        ConfigurationField(
            "staticPodURL", "The kubelet's name of podsURL.", alias: "podsURL",
            set: { EndpointFields.url($0, &$1.podsEndpoint) }, value: { _ in nil }),
        ConfigurationField(
            "staticPodURLHeader", "Headers of the requests to podsURL: names with lists of values.",
            set: { EndpointFields.headers($0, &$1.podsEndpoint) },
            value: { EndpointFields.shown($0.podsEndpoint.headers) }),
        ConfigurationField(
            "httpCheckFrequency", "How often podsURL is asked; a second at least.",
            absence: NodeSettings.Default.podsInterval.description,
            set: { value, settings in
                guard let interval = value.stringValue.flatMap({ EndpointFields.duration($0) }) else {
                    return "expected a time, as 20s"
                }
                // The kubelet takes 0 for its default.
                guard interval.count == 0 || interval >= .seconds(1) else { return "expected a second at least" }
                settings.podsInterval = interval.count == 0 ? nil : interval
                return nil
            }, value: { $0.podsInterval.map { .string($0.description) } }),
        ConfigurationField(
            "podsURLClient", "How podsURL is spoken with; see URLS.",
            read: { EndpointFields.client("podsURLClient", $0, &$1.podsEndpoint) },
            value: { EndpointFields.shownClient($0.podsEndpoint) }),
        ConfigurationField(
            "statusURL", "A URL that every change of a pod is sent to: a POST of the v1 Pod with its status.",
            set: { EndpointFields.url($0, &$1.statusEndpoint) },
            value: { $0.statusEndpoint.url.map { .string($0.description) } }),
        ConfigurationField(
            "statusURLHeader", "Headers of the requests to statusURL: names with lists of values.",
            set: { EndpointFields.headers($0, &$1.statusEndpoint) },
            value: { EndpointFields.shown($0.statusEndpoint.headers) }),
        ConfigurationField(
            "statusURLClient", "How statusURL is spoken with; see URLS.",
            read: { EndpointFields.client("statusURLClient", $0, &$1.statusEndpoint) },
            value: { EndpointFields.shownClient($0.statusEndpoint) }),
        ConfigurationField(
            "podCIDR", "The addresses of pods where no CNI network is configured: a network of at least 8.",
            absence: "\(BuiltInNetwork.defaultRange)", needsRestart: true,
            set: { value, settings in
                guard let range = value.stringValue.flatMap({ IPPrefix($0) }), NodeSettings.isPodRange(range) else {
                    return "expected a network of at least 8 addresses, as 10.85.0.0/16"
                }
                settings.podRange = range
                return nil
            }, value: { $0.podRange.map { .string("\($0)") } }),
        .boolean(
            "openFirewall",
            """
            Put rules into other programs' chains (Docker, ufw and others) that would drop packets of the built-in \
            network, and take them out with the last pod.
            """, needsRestart: true, \.opensFirewall),
        ConfigurationField(
            "clusterDNS", "The DNS servers of pods with the dnsPolicy ClusterFirst, a list of addresses.",
            absence: "none: such pods have the node's", needsRestart: true,
            set: { value, settings in
                guard let servers = value.stringsValue, servers.allSatisfy({ IPPrefix.parse($0) != nil }) else {
                    return "expected a list of IP addresses"
                }
                settings.clusterDNS = servers
                return nil
            }, value: { $0.clusterDNS.map { .strings($0) } }),
        ConfigurationField(
            "clusterDomain", "What the full names of pods and services end with.", absence: "cluster.local",
            needsRestart: true,
            set: { value, settings in
                guard let domain = value.stringValue, NodeSettings.isDomain(domain) else {
                    return "expected a domain, as cluster.local"
                }
                settings.clusterDomain = domain
                return nil
            }, value: { $0.clusterDomain.map { .string($0) } }),
        ConfigurationField(
            "allowedUnsafeSysctls",
            "Kernel parameters that pods may set beside the safe ones: names, or beginnings of names with * behind.",
            absence: "none", needsRestart: true,
            set: { value, settings in
                guard let names = value.stringsValue, names.allSatisfy({ SysctlPolicy.isPattern($0) }) else {
                    return "expected names of parameters that namespaces have, as kernel.msg* or net.core.somaxconn"
                }
                settings.allowedUnsafeSysctls = names
                return nil
            }, value: { $0.allowedUnsafeSysctls.map { .strings($0) } }),
        ConfigurationField(
            "podPidsLimit", "Processes a pod may have; -1 for no limit.",
            absence: "\(NodeSettings.Default.podPIDLimit)",
            set: { value, settings in
                guard let limit = value.integerValue, limit == -1 || limit > 0 else {
                    return "expected a positive integer, or -1 for no limit"
                }
                settings.podPIDLimit = limit
                return nil
            }, value: { $0.podPIDLimit.map { .integer($0) } }),
        ConfigurationField(
            "maxPods", "Pods that run at a time; more are refused with OutOfpods.",
            absence: "\(NodeSettings.Default.maxPods)",
            set: { value, settings in
                guard let count = value.integerValue, count > 0 else { return "expected a positive integer" }
                settings.maxPods = count
                return nil
            }, value: { $0.maxPods.map { .integer($0) } }),
        ConfigurationField(
            "minimumFreeDisk",
            "Room on the file systems of pods and images below which no image is unpacked and no container started; 0 "
                + "for none.",
            absence: "256Mi, on small file systems a fiftieth of them",
            set: { value, settings in
                guard
                    let floor = value.stringValue.flatMap({ Quantity($0) }) ?? value.integerValue.map({ Quantity($0) }),
                    !floor.isNegative
                else { return "expected an amount of bytes, as 500Mi" }
                settings.minimumFreeDisk = floor.value
                return nil
            }, value: { $0.minimumFreeDisk.map { .string("\(Quantity($0, .binarySI))") } }),
        crashLoopBackOff,
        percent(
            "imageGCHighThresholdPercent",
            "Percent of the image store's file system in use from which on unused images are removed; 100 for never.",
            absence: "85", \.imageGCHigh),
        percent(
            "imageGCLowThresholdPercent", "Percent in use down to which they are removed then.", absence: "80",
            \.imageGCLow),
        age(
            "imageMinimumGCAge", "How long an image has been here at least when it is removed.", absence: "2m",
            \.imageMinimumAge),
        age(
            "imageMaximumGCAge", "Images that nobody has used for longer are removed, however much room there is.",
            absence: "0s, for no such limit", \.imageMaximumAge),
        ConfigurationField(
            "cgroupRoot", "The cgroup to work in, below the mount point of cgroup v2.",
            absence: NodeSettings.Default.cgroupRoot, needsRestart: true,
            set: { value, settings in
                guard let path = value.stringValue else { return expected("a path", value) }
                guard Path.isClean(path) else { return "expected an absolute path below the cgroup v2 mount" }
                settings.cgroupRoot = path
                return nil
            }, value: { $0.cgroupRoot.map { .string($0) } }),
        .boolean(
            "unenforcedLimits", "Start though this kernel cannot enforce cpu, memory and pids limits (cgroup v1).",
            needsRestart: true, \.acceptsUnenforcedLimits),
        .boolean(
            "drainOnExit", "End all pods gracefully when the agent is stopped. Otherwise they go on.", \.drainsOnExit),
        ConfigurationField(
            "logLevel", "error, warning, info or debug.", absence: NodeSettings.Default.logLevel.word,
            set: { value, settings in
                guard let level = value.stringValue.flatMap({ Log.Level(word: $0) }) else {
                    return "expected error, warning, info or debug"
                }
                settings.logLevel = level
                return nil
            }, value: { $0.logLevel.map { .string($0.word) } }),
        ConfigurationField(
            "logging", "Of the kubelet's, the field verbosity is read: from 4 on it is logLevel debug, below info.",
            alias: "logLevel", read: readLogging, value: { _ in nil }),
    ]

    private static func percent(
        _ name: String, _ meaning: String, absence: String,
        _ setting: any WritableKeyPath<NodeSettings, Int64?> & Sendable
    ) -> ConfigurationField {
        ConfigurationField(
            name, meaning, absence: absence,
            set: { value, settings in
                guard let percent = value.integerValue, 0...100 ~= percent else {
                    return "expected an integer from 0 to 100"
                }
                settings[keyPath: setting] = percent
                return nil
            }, value: { $0[keyPath: setting].map { .integer($0) } })
    }

    private static func age(
        _ name: String, _ meaning: String, absence: String,
        _ setting: any WritableKeyPath<NodeSettings, Nanoseconds?> & Sendable
    ) -> ConfigurationField {
        ConfigurationField(
            name, meaning, absence: absence,
            set: { value, settings in
                // Ten years are as good as for ever.
                let most = Nanoseconds.seconds(10 * 365 * 86_400)
                guard let age = value.stringValue.flatMap({ EndpointFields.duration($0, most: most) }) else {
                    return "expected a time, as 2m or 168h"
                }
                settings[keyPath: setting] = age
                return nil
            }, value: { $0[keyPath: setting].map { .string($0.description) } })
    }

    /// `logging.verbosity`, as the kubelet counts it: from 4 on it is for debugging.
    private static func readLogging(_ logging: JSONValue, into settings: inout NodeSettings) -> [Issue] {
        guard let members = logging.objectValue?.members else {
            return [Issue("logging: \(expected("an object", logging))", at: logging.position)]
        }
        var issues: [Issue] = []
        for member in members where !member.value.isNull {
            guard member.key == "verbosity" else {
                let wrong = ConfigurationFile.unknown(member.key, among: ["verbosity"])
                issues.append(Issue("logging." + wrong, at: member.keyPosition))
                continue
            }
            guard let verbosity = member.value.integerValue, verbosity >= 0 else {
                issues.append(Issue("logging.verbosity: expected 0 or more", at: member.value.position))
                continue
            }
            settings.logLevel = verbosity >= 4 ? .debug : .info
        }
        return issues
    }
}
