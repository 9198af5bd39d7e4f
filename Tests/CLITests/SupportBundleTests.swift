import Base
import CLinux
import NodeAPITestSupport
import TestSupport
import Testing

@testable import CLI

@Suite struct SupportBundleTests {
    /// The names in the archive, without the folder's, and all that stands in it.
    private func content(_ file: String, _ folder: TemporaryDirectory) throws -> (names: [String], text: String) {
        try Files.makeDirectories(folder.path + "/out")
        #expect(system("tar -xzf \(file) -C \(folder.path)/out --strip-components=1") == 0)
        #expect(
            system("cd \(folder.path)/out && find . -type f | sort > ../names && cat $(cat ../names) > ../all") == 0)
        let names = try Files.readText(folder.path + "/names").split(separator: "\n").map { String($0.dropFirst(2)) }
        return (names, String(decoding: try Files.read(folder.path + "/all", limit: 256 << 20), as: UTF8.self))
    }

    @Test func theBundleHoldsTheNodesStateWithoutSecrets() throws {
        let node = try BackgroundNode { node, root in
            node.setPod("web", phase: "Running")
            node.manifestFolder = root + "/etc/podspecs"
        }
        defer { node.stop() }
        let folder = try TemporaryDirectory()
        try Files.makeDirectories(node.folder.path + "/etc/podspecs")
        try node.folder.write(
            "etc/podspecs/web.yaml",
            ManifestCommandTests.manifest("web").replacing("image:", with: "env: [{name: X, value: hunter2}], image:"))
        try node.folder.write("etc/podspecs/bad.yaml", "kind: [\nvalue: hunter2\n")
        try node.folder.write(
            "etc/swiftlet/config.yaml", "kind: KubeletConfiguration\nstatusURLHeader: {X-Any: [hunter2]}\n")
        let made = run("support-bundle \(folder.path)/b.tar.gz --logs 0", root: node.folder.path)
        #expect(made.code == 0 && made.output.hasPrefix("\(folder.path)/b.tar.gz: "), "\(made.errors)")
        var status = stat()
        #expect(stat(folder.path + "/b.tar.gz", &status) == 0 && status.st_mode & 0o777 == 0o600)
        let (names, text) = try content("\(folder.path)/b.tar.gz", folder)
        for name in ["agent/status.txt", "agent/pods.json", "agent/get-pods.txt", "machine/df.txt", "config.yaml"] {
            #expect(names.contains(name), "\(name)")
        }
        #expect(!text.contains("hunter2") && text.contains("value: (redacted)"))
        #expect(made.errors.contains("bad.yaml: no YAML"))
    }

    @Test func itIsMadeWithoutAnAgentToo() throws {
        let folder = try ManifestCommandTests.root()
        try folder.write("etc/podspecs/web.yaml", ManifestCommandTests.manifest("web"))
        let made = run("support-bundle \(folder.path)/b.tar.gz", root: folder.path)
        #expect(made.code == 0 && made.errors.contains("left out: all of the agent: the agent is not running"))
        let (names, text) = try content("\(folder.path)/b.tar.gz", folder)
        #expect(names.contains("manifests/web.yaml") && names.contains("missing.txt") && text.contains("kind: Pod"))
        let refused = run("support-bundle \(folder.path)/none/b.tar.gz", root: folder.path)
        #expect(refused.code == 1 && refused.errors.contains("cannot write \(folder.path)/none/b.tar.gz"))
    }
}
