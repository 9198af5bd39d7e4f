import JSON
import NodeAPITestSupport
import TestSupport
import Testing

@testable import CLI

@Suite struct ConfigTests {
    @Test func settingsAreShownWithWhereTheyComeFrom() throws {
        let node = try BackgroundNode { _, _ in }
        defer { node.stop() }
        let root = node.folder.path
        let all = run("config view --effective", root: root).output
        #expect(all.hasPrefix("# /etc/swiftlet/config.yaml\napiVersion: kubelet.config.k8s.io/v1beta1\n"))
        #expect(all.contains("nodeName: node" + Help.spaces(30) + "# default; \"other\" once swiftletd is restarted\n"))
        #expect(all.contains("# command line\npodsURLClient:" + Help.spaces(30) + "# file\n  timeout: 30s\n"))
        let set = run("config view", root: root).output
        #expect(!set.contains("nodeName") && set.contains("podsURL"))
        let json = try JSONParser.parse(Array(run("config view -o json", root: root).output.utf8))
        #expect(json["kind"] == "KubeletConfiguration" && json["podsURLClient"]?["tokenFile"] == "/t")
        #expect(run("config view -o wide", root: root).code == 2)
    }
}
