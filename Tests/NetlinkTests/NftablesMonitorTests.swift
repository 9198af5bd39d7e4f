import Base
import CLinux
import Linux
import Testing

@testable import Netlink

/// In a network namespace of their own each.
@Suite(.enabled(if: geteuid() == 0, "makes namespaces")) struct NftablesMonitorTests {
    private static let table = NftablesTable(.inet, "swl_test")
    private static let chain = NftablesChain("c", of: table)
    private static let map = NftablesSet("ports", key: [.port])

    private static func make(_ socket: inout NftablesSocket) throws -> NftablesInventory? {
        var transaction = NftablesTransaction()
        transaction.add(table)
        transaction.add(chain)
        transaction.add(NftablesRule(table: table, chain: chain.name, expressions: [.verdict(.return)]))
        transaction.add(map, to: table)
        transaction.add([NftablesElement(key: [0, 80])], to: map.name, of: table)
        let inventory = transaction.inventory[table]
        try socket.commit(transaction)
        return inventory
    }

    @Test func whatIsDeletedIsHeardWithWhoDidIt() async {
        await #expect(processExitsWith: .success) {
            try NftablesMonitorTests.doWhatIsDeletedIsHeardWithWhoDidIt()
        }
    }

    private static func doWhatIsDeletedIsHeardWithWhoDidIt() throws {
        try Namespaces.network.unshare()
        var socket = try NftablesSocket()
        let monitor = try NftablesMonitor()
        _ = try make(&socket)
        #expect(monitor.read() == [], "what is made is no news")
        var transaction = NftablesTransaction()
        transaction.delete([NftablesElement(key: [0, 80])], from: map.name, of: table)
        try socket.commit(transaction)
        var flush = NftablesTransaction()
        flush.flush(chain)
        try socket.commit(flush)
        let heard = monitor.read() ?? []
        #expect(heard.map(\.lost) == [[table], [table]])
        #expect(heard.allSatisfy { $0.thread == gettid() && !$0.program.isEmpty })
        let other = NftablesTable(.ipv4, "other")
        var second = NftablesTransaction()
        second.add(other)
        try socket.commit(second)
        try socket.deleteTable(other)
        try socket.deleteTable(table)
        #expect(monitor.read()?.map(\.lost) == [[other], [table]])
        #expect(monitor.read() == [])
    }

    @Test func moreThanCanBeHeardIsTold() async {
        await #expect(processExitsWith: .success) { try NftablesMonitorTests.doMoreThanCanBeHeardIsTold() }
    }

    private static func doMoreThanCanBeHeardIsTold() throws {
        try Namespaces.network.unshare()
        var socket = try NftablesSocket()
        let monitor = try NftablesMonitor()
        for _ in 0..<3000 {
            _ = try make(&socket)
            try socket.deleteTable(table)
        }
        #expect(monitor.read() == nil)
        #expect(monitor.read() == [])
    }

    @Test func anInventorySaysWhatIsMissing() async {
        await #expect(processExitsWith: .success) { try NftablesMonitorTests.doAnInventorySaysWhatIsMissing() }
    }

    private static func doAnInventorySaysWhatIsMissing() throws {
        try Namespaces.network.unshare()
        var socket = try NftablesSocket()
        #expect(try socket.inventory(of: table) == nil)
        let wanted = try #require(try make(&socket))
        #expect(try socket.inventory(of: table) == wanted)
        var transaction = NftablesTransaction()
        transaction.flush(chain)
        try socket.commit(transaction)
        let rest = try #require(try socket.inventory(of: table))
        #expect(!rest.covers(wanted) && wanted.covers(rest) && wanted.covers(wanted))
    }
}
