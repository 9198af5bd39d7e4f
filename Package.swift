// swift-tools-version: 6.2
// Targets stand in the order of the floors (docs/architecture.md): a target imports only from floors below its own.
import PackageDescription

let gnu: [CSetting] = [.define("_GNU_SOURCE")]
let house: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// A Swift library target of the house.
func library(_ name: String, _ dependencies: [String] = [], exclude: [String] = []) -> Target {
    .target(
        name: name, dependencies: dependencies.map { .byName(name: $0) }, exclude: exclude, cSettings: gnu,
        swiftSettings: house)
}

/// A C library of the distribution.
func system(_ name: String, _ pkgConfig: String, apt package: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

/// Headers of the kernel.
func system(_ name: String) -> Target { .systemLibrary(name: name) }

/// A program. Linked statically against the Swift runtime (and, where `isStatic`, against everything) in release
/// builds. `order` is a file of the package with the symbols that are to lie together (scripts/data-order).
func program(
    _ name: String, _ dependencies: [String], isStatic: Bool = false, path: String? = nil, exclude: [String] = [],
    order: String? = nil
) -> Target {
    var flags = (isStatic ? ["-static-executable"] : []) + ["-use-ld=lld"]
    if Context.environment["SWIFTLET_SYMBOLS"] == nil { flags += ["-Xlinker", "-s"] }
    if let order {
        let file = Context.packageDirectory + "/" + order
        flags += ["-Xlinker", "--symbol-ordering-file=" + file, "-Xlinker", "--no-warn-symbol-ordering"]
    }
    return .executableTarget(
        name: name, dependencies: dependencies.map { .byName(name: $0) }, path: path, exclude: exclude,
        cSettings: gnu, swiftSettings: house, linkerSettings: [.unsafeFlags(flags, .when(configuration: .release))])
}

func tests(_ target: String, _ extra: [String] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: target + "Tests",
        dependencies: Set(["CLinux", "Base", "TestSupport", target] + extra).sorted()
            .map { .byName(name: $0) },
        exclude: exclude, cSettings: gnu, swiftSettings: house)
}

let package = Package(
    name: "swiftlet",
    products: [
        .executable(name: "swiftletd", targets: ["swiftletd"]),
        .executable(name: "swiftlet", targets: ["swiftlet"]),
        .executable(name: "swiftlet-pod", targets: ["swiftlet-pod"]),
        .executable(name: "cni-plugins", targets: ["cni-plugins"]),
    ],
    targets: [
        // Floor 0: the kernel, bytes and the C libraries.
        .target(name: "CLinux", cSettings: gnu, linkerSettings: [.linkedLibrary("m")]),
        system("CYAML", "yaml-0.1", apt: "libyaml-dev"),
        system("CSeccomp", "libseccomp", apt: "libseccomp-dev"),
        system("CCap", "libcap", apt: "libcap-dev"),
        system("CISAL", "libisal", apt: "libisal-dev"),
        system("CZstd", "libzstd", apt: "libzstd-dev"),
        system("CLZMA", "liblzma", apt: "liblzma-dev"),
        system("CNetlink"),
        system("CCrypto", "libcrypto", apt: "libssl-dev"),
        .target(name: "CSSL", cSettings: gnu, linkerSettings: [.linkedLibrary("crypto")]),
        .target(name: "CCurl", cSettings: gnu),
        library("Base", ["CLinux"]),
        library("JSON"),
        library("Linux", ["CLinux", "CCap", "Base"]),
        library("Netlink", ["CLinux", "CNetlink", "Base"]),
        library("Seccomp", ["CLinux", "CSeccomp", "Base", "JSON"]),
        library("Cgroups", ["CLinux", "Base"]),
        library("Digest", ["CCrypto"]),
        library("Compression", ["CISAL", "CZstd", "CLZMA"]),

        // Floor 1: formats and protocols.
        library("YAML", ["CYAML", "JSON"]),
        library("Kube", ["Base", "JSON"], exclude: ["Schema/kubernetes-1.36.tsv"]),
        library("OCI", ["Base", "JSON"]),
        library("CNITypes", ["CLinux", "Base", "JSON"]),
        library("HTTP", ["Base"]),
        library("TLS", ["CSSL"]),
        library("PodProtocol", ["CLinux", "Base", "JSON"]),

        // Floor 2: containers and images.
        library("Containers", ["CLinux", "Base", "JSON", "Linux", "Cgroups", "OCI"]),
        library("Images", ["CLinux", "Base", "JSON", "Linux", "Digest", "Compression", "OCI"]),
        library("HTTPClient", ["CLinux", "Base", "HTTP", "TLS"]),
        library("Registry", ["CLinux", "CCurl", "Base", "JSON", "Digest", "YAML", "OCI", "HTTP"]),
        library("CNIRuntime", ["CLinux", "Base", "JSON", "CNITypes"]),
        library("CNIPlugins", ["CLinux", "Base", "JSON", "Linux", "Netlink", "CNITypes"]),

        // Floor 3: pods come in, pods are run.
        library("ImageWork", ["CLinux", "Base", "JSON", "OCI", "Images", "Registry"]),
        library("PodSources", ["CLinux", "Base", "JSON", "YAML", "Kube"]),
        library("PodRuntime", ["CLinux", "Base", "JSON", "Linux", "Cgroups", "Kube", "OCI", "PodProtocol", "Images"]),
        library("PodSupervisor", ["CLinux", "Base", "JSON", "Linux", "Cgroups", "OCI", "PodProtocol", "Containers"]),

        // Floor 4 and 5: the node.
        library("Endpoints", ["CLinux", "Base", "JSON", "Kube", "HTTP", "HTTPClient", "PodSources"]),
        library(
            "NodeAgent",
            [
                "CLinux", "Base", "JSON", "YAML", "Linux", "Netlink", "Seccomp", "Cgroups", "Kube", "OCI", "CNITypes",
                "HTTP", "TLS", "PodProtocol", "Images", "CNIRuntime", "CNIPlugins", "HTTPClient", "PodSources",
                "PodRuntime",
            ]),
        library(
            "NodeAPI",
            [
                "CLinux", "Base", "JSON", "Linux", "Cgroups", "Digest", "Kube", "HTTP", "PodProtocol", "Images",
                "PodSources", "PodRuntime", "NodeAgent",
            ]),
        library("CLI", ["CLinux", "Base", "JSON", "YAML", "Kube", "HTTP", "PodProtocol", "PodSources"]),

        // Floor 6: the programs.
        program(
            "swiftletd",
            [
                "CLinux", "Base", "JSON", "Linux", "Cgroups", "CNITypes", "HTTP", "Images", "HTTPClient", "ImageWork",
                "PodSources", "PodRuntime", "Endpoints", "NodeAgent", "NodeAPI",
            ]),
        program("swiftlet", ["CLinux", "CLI"]),
        program(
            "swiftlet-pod", ["CLinux", "Base", "PodSupervisor"], isStatic: true, exclude: ["data.order"],
            order: "Sources/swiftlet-pod/data.order"),
        program("cni-plugins", ["CLinux", "CNIPlugins"], isStatic: true, path: "cni-plugins", exclude: ["README.md"]),

        // Tests.
        .target(
            name: "TestSupport", dependencies: ["CLinux", "Base"], path: "Tests/TestSupport", cSettings: gnu,
            swiftSettings: house),
        tests("Base"),
        tests("JSON"),
        tests("Linux"),
        tests("Netlink", ["CNetlink", "Linux"]),
        tests("Seccomp", ["JSON"]),
        tests("Cgroups"),
        tests("Digest"),
        tests("Compression"),
        tests("YAML", ["JSON"]),
        tests("Kube", ["YAML", "JSON"]),
        tests("OCI", ["JSON"]),
        tests("CNITypes", ["JSON"]),
        tests("CNIRuntime", ["CNITypes", "JSON"]),
        tests("CNIPlugins", ["CNITypes", "JSON", "Linux", "Netlink", "cni-plugins"]),
        tests("HTTP"),
        tests("HTTPClient", ["HTTP", "TLS"]),
        tests("PodProtocol", ["JSON"], exclude: ["Transcripts"]),
        tests("Containers", ["Linux", "Cgroups", "OCI", "JSON", "Seccomp"]),
        tests("Images", ["OCI", "JSON", "Digest", "Linux", "Registry", "ImageWork"]),
        tests("Registry", ["JSON", "OCI", "HTTP", "Digest"]),
        tests("PodSources", ["Kube", "YAML", "JSON"]),
        tests("Endpoints", ["Kube", "JSON", "HTTP", "HTTPClient", "PodSources"]),
        tests("PodRuntime", ["Kube", "OCI", "JSON", "PodProtocol", "Images", "Cgroups"], exclude: ["Specs"]),
        tests("PodSupervisor", ["PodProtocol", "OCI", "JSON", "Containers"]),
        tests(
            "NodeAgent",
            [
                "Kube", "JSON", "CNITypes", "CNIRuntime", "PodRuntime", "PodSources", "PodProtocol", "HTTP",
                "HTTPClient", "TLS",
            ]),
        .target(
            name: "NodeAPITestSupport",
            dependencies: ["CLinux", "Base", "JSON", "Kube", "NodeAgent", "NodeAPI", "TestSupport"],
            path: "Tests/NodeAPITestSupport", cSettings: gnu, swiftSettings: house),
        tests("NodeAPI", ["HTTP", "JSON", "Kube", "PodProtocol", "NodeAPITestSupport"]),
        tests("CLI", ["HTTP", "JSON", "YAML", "Kube", "PodProtocol", "NodeAPI", "NodeAPITestSupport", "swiftlet"]),
        .testTarget(
            name: "ProgramTests", dependencies: ["Base", "TestSupport"], cSettings: gnu, swiftSettings: house),
        program(
            "swiftlet-e2e", ["CLinux", "Base", "Digest", "JSON", "Linux", "Netlink", "TestSupport"],
            path: "Tests/EndToEnd"),

        // Benchmarks.
        program(
            "container-start-bench", ["CLinux", "Base", "Cgroups", "Containers", "Linux", "OCI"], isStatic: true,
            path: "Benchmarks/ContainerStart"),
        program("pod-start-bench", ["CLinux", "Base", "JSON"], path: "Benchmarks/PodStart"),
        program("cni-bench", ["CLinux", "Base", "JSON", "Linux"], path: "Benchmarks/CNI"),
    ],
    swiftLanguageModes: [.v6]
)

// Tests/Fuzz is built for libFuzzer by scripts/fuzz, which brings its own `main`; otherwise its stored inputs are
// tests.
let fuzzed = ["CLinux", "Base", "JSON", "Digest", "Compression", "OCI", "HTTP", "PodProtocol", "Images", "Registry"]
if Context.environment["SWIFTLET_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(
            name: "swiftlet-fuzz", dependencies: fuzzed.map { .byName(name: $0) }, path: "Tests/Fuzz",
            exclude: ["Corpus", "StoredInputTests.swift"], cSettings: gnu,
            swiftSettings: house + [.unsafeFlags(["-parse-as-library"])]))
} else {
    package.targets.append(
        .testTarget(
            name: "FuzzTests", dependencies: fuzzed.map { .byName(name: $0) }, path: "Tests/Fuzz", exclude: ["Corpus"],
            cSettings: gnu, swiftSettings: house))
}
