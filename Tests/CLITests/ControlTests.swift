import Base
import NodeAPITestSupport
import TestSupport
import Testing

@testable import CLI

@Suite struct ControlTests {
    @Test func stopStartAndRestartAreAskedOfTheAgent() throws {
        let node = try BackgroundNode { node, _ in node.setPod("web", phase: "Running") }
        defer { node.stop() }
        let root = node.folder.path
        #expect(run("stop web", root: root).output == "pod/web stopped\n")
        #expect(run("get pods", root: root).output.contains("Stopped"))
        #expect(run("why web -o name", root: root).output == "stopped\n")
        #expect(run("start pod/web -c main", root: root).output == "pod/web started\n")
        #expect(run("restart pod web --grace-period 5", root: root).output == "pod/web restarted\n")
        let missing = run("stop nobody web", root: root)
        #expect(missing.code == 1 && missing.output == "pod/web stopped\n")
        #expect(missing.errors == "error: pods \"nobody\" not found\n")
        #expect(run("stop web --grace-period soon", root: root).code == 2)
    }
}
