import Base
import CLinux
import CNITypes
import JSON
import Linux
import Netlink
import TestSupport
import Testing

@testable import CNIPlugins

/// The chain of `bridge` (with `host-local`) and `portmap`, as programs that are killed at any moment, beside attachments
/// that live.
@Suite(
    .enabled(if: BridgeLaboratory.isPossible, "makes namespaces, with IPv6"),
    .enabled(if: Files.exists(BridgeLaboratory.pluginProgram), "needs the plugins' program beside the tests"))
struct KillTests {
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    @Test func whatAKilledAddLeavesIsRemovedAndTheLivingNoticeNothing() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            try KillTests.sweep("ADD", rounds: 50, seed: 1, in: path)
        }
    }

    @Test func whatAKilledDelLeavesIsRemovedAndTheLivingNoticeNothing() async throws {
        await #expect(processExitsWith: .success) { [path = folder.path as String] in
            try KillTests.sweep("DEL", rounds: 30, seed: 2, in: path)
        }
    }

    /// How the runtime learns of it.
    private enum Recovery: Int, CaseIterable {
        /// It calls DEL, then removes the namespace.
        case delete
        /// DEL, and the same container once more.
        case deleteAndAddAgain
        /// It was killed itself: the namespace stays, and later GC is called.
        case collect
        /// The namespace is gone when GC is called.
        case collectLater
        /// The namespace is gone when DEL is called.
        case deleteLater
    }

    private static func sweep(_ command: String, rounds: Int, seed: UInt64, in path: String) throws {
        let chain = try PluginChain(BridgeLaboratory(in: path))
        for id in ["living1", "living2"] { try chain.attach(id) }
        let traffic = try chain.traffic(from: "living1", to: "living2")
        let (before, links) = (try chain.state(), try chain.laboratory.links())
        var random = SplitMix(seed)
        var killed = 0
        for round in 0..<rounds {
            let recovery = Recovery.allCases[round % Recovery.allCases.count]
            let id = "dying\(round)"
            let hit = try chain.kill(command, id, at: random.next(1000))
            if hit != nil { killed += 1 }
            switch recovery {
            case .delete, .deleteAndAddAgain:
                try chain.detach(id)
                if recovery == .deleteAndAddAgain {
                    try chain.attachAgain(id)
                    try chain.detach(id)
                }
                try #require(try chain.state() == before, "round \(round), \(hit ?? "not") killed, \(recovery)")
                #expect(try chain.laboratory.inside(id) { try chain.laboratory.links() } == ["lo"])
                try chain.laboratory.removeNamespace(id)
            case .collect:
                try chain.collectGarbage()
                try #require(try chain.state() == before, "round \(round), \(hit ?? "not") killed, \(recovery)")
                #expect(try chain.laboratory.inside(id) { try chain.laboratory.links() } == ["lo"])
                try chain.laboratory.removeNamespace(id)
            case .collectLater, .deleteLater:
                try chain.laboratory.removeNamespace(id)
                try recovery == .collectLater ? chain.collectGarbage() : chain.detach(id)
                #expect(try chain.laboratory.waitFor(links))
                try #require(try chain.state() == before, "round \(round), \(hit ?? "not") killed, \(recovery)")
            }
        }
        // Else it would prove nothing.
        #expect(killed > rounds / 4, "\(killed) of \(rounds) were killed before they were done")
        #expect(try traffic.end() > rounds)
        for id in ["living1", "living2"] { try chain.check(id) }
    }
}
