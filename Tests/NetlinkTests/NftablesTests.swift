import Base
import CLinux
import Linux
import Testing

@testable import Netlink

/// In a network namespace of their own each.
@Suite(.enabled(if: geteuid() == 0, "makes namespaces")) struct NftablesTests {
    private static let table = NftablesTable(.inet, "swl_test")
    private static let map = NftablesSet(
        "ports", key: [.transportProtocol, .port], value: .fields([.ipv4Address, .port]))

    private static func element(_ port: Int, _ comment: String = "", to last: UInt8 = 1) -> NftablesElement {
        NftablesElement(
            key: [6, 0, 0, 0, UInt8(port >> 8), UInt8(port & 255), 0, 0],
            value: .bytes([10, 0, 0, last, 0, 80, 0, 0]), comment: comment)
    }

    /// A socket of a new namespace, with table and map.
    private static func prepared() throws -> NftablesSocket {
        try Namespaces.network.unshare()
        var socket = try NftablesSocket()
        var transaction = NftablesTransaction()
        transaction.add(table)
        transaction.add(map, to: table)
        try socket.commit(transaction)
        return socket
    }

    private static func errno(_ body: () throws -> Void) -> Errno? {
        do {
            try body()
            return nil
        } catch {
            return (error as? NetlinkError)?.errno
        }
    }

    private static func add(
        _ elements: [NftablesElement], _ socket: inout NftablesSocket, exclusive: Bool = true, capacity: Int = 32 << 10
    ) throws {
        var transaction = NftablesTransaction(capacity: capacity)
        transaction.add(elements, to: map.name, of: table, exclusive: exclusive)
        try socket.commit(transaction)
    }

    @Test func elementsAreAddedFoundListedAndDeletedWithTheirComments() async {
        await #expect(processExitsWith: .success) {
            try NftablesTests.doElementsAreAddedFoundListedAndDeletedWithTheirComments()
        }
    }

    private static func doElementsAreAddedFoundListedAndDeletedWithTheirComments() throws {
        var socket = try prepared()
        let name = map.name
        let long = String(repeating: "c", count: NftablesComment.limit)
        let elements = [element(80, "a/b"), element(81), element(82, long)]
        try add(elements, &socket)
        #expect(try Set(socket.elements(of: name, in: table) ?? []) == Set(elements))
        for one in elements {
            #expect(try socket.element(one.key, of: name, in: table) == one)
        }
        #expect(try socket.element(element(83).key, of: name, in: table) == nil)
        #expect(try socket.sets(of: table) == [name])
        #expect(try socket.elements(of: "missing", in: table) == nil)
        #expect(try socket.elements(of: name, in: NftablesTable(.inet, "missing")) == nil)
        var transaction = NftablesTransaction()
        transaction.delete([elements[1]], from: name, of: table)
        try socket.commit(transaction)
        #expect(try socket.elements(of: name, in: table)?.count == 2)
    }

    @Test func anElementThatIsThereIsRefusedAndWithItTheWholeTransaction() async {
        await #expect(processExitsWith: .success) {
            try NftablesTests.doAnElementThatIsThereIsRefusedAndWithItTheWholeTransaction()
        }
    }

    private static func doAnElementThatIsThereIsRefusedAndWithItTheWholeTransaction() throws {
        var socket = try prepared()
        try add([element(80, "first")], &socket)
        let both = [element(79, "second"), element(80, "second")]
        #expect(errno { try add(both, &socket) } == .exists)
        let other = element(80, to: 2)
        let clash = errno { try add([other], &socket, exclusive: false) }
        #expect(clash == .exists || clash == .busy)
        #expect(
            try socket.elements(of: "ports", in: table) == [element(80, "first")])
        try add([element(80, "again")], &socket, exclusive: false)
        #expect(try socket.elements(of: "ports", in: table)?.first?.comment == "first")
        // Deleted and added in one: replaced.
        var transaction = NftablesTransaction()
        transaction.delete([other], from: "ports", of: table)
        transaction.add([other], to: "ports", of: table)
        try socket.commit(transaction)
        #expect(try socket.elements(of: "ports", in: table) == [other])
    }

    @Test func thousandsOfElementsAreOneTransaction() async {
        await #expect(processExitsWith: .success) { try NftablesTests.doThousandsOfElementsAreOneTransaction() }
    }

    private static func doThousandsOfElementsAreOneTransaction() throws {
        var socket = try prepared()
        let elements = (1...5000).map { element($0, "network/container-\($0)/eth0") }
        try add(elements, &socket, capacity: 1 << 20)
        #expect(try Set(socket.elements(of: "ports", in: table) ?? []) == Set(elements))
        #expect(errno { try add(elements, &socket, capacity: 4096) } == Errno(rawValue: EMSGSIZE))
        var transaction = NftablesTransaction(capacity: 1 << 20)
        transaction.delete(elements, from: "ports", of: table)
        try socket.commit(transaction)
        #expect(try socket.elements(of: "ports", in: table) == [])
    }

    @Test func aChangeMadeUpFromAnOlderRulesetIsRefused() async {
        await #expect(processExitsWith: .success) { try NftablesTests.doAChangeMadeUpFromAnOlderRulesetIsRefused() }
    }

    private static func doAChangeMadeUpFromAnOlderRulesetIsRefused() throws {
        var socket = try prepared()
        let generation = try socket.generation()
        try add([element(1)], &socket)
        func commit(_ generation: UInt32) -> Errno? {
            errno {
                var transaction = NftablesTransaction(generation: generation)
                transaction.delete([element(1)], from: "ports", of: table)
                try socket.commit(transaction)
            }
        }
        #expect(commit(generation) == Errno(rawValue: ERESTART))
        #expect(try socket.elements(of: "ports", in: table)?.count == 1)
        #expect(commit(try socket.generation()) == nil)
        #expect(try socket.elements(of: "ports", in: table) == [])
    }

    @Test func chainsAndRulesAreReadAsTheyWereWritten() async {
        await #expect(processExitsWith: .success) { try NftablesTests.doChainsAndRulesAreReadAsTheyWereWritten() }
    }

    private static func doChainsAndRulesAreReadAsTheyWereWritten() throws {
        var socket = try prepared()
        let table = table
        let base = NftablesChain(
            "fwd", of: table, base: .init(.filter, .forward, priority: -5, policy: .drop))
        let plain = NftablesChain("plain", of: table)
        let rule = NftablesRule(
            table: table, chain: "fwd",
            expressions: [
                .meta(.inputInterfaceName, into: .first), .compare(.first, .equal, value: Array("br0\0".utf8)),
                .counter, .verdict(.jump("plain")),
            ], comment: "ours")
        let first = NftablesRule(table: table, chain: "fwd", expressions: [.verdict(.accept)])
        var transaction = NftablesTransaction()
        for chain in [base, plain] { transaction.add(chain) }
        transaction.add(rule)
        transaction.add(first, first: true)
        try socket.commit(transaction)
        #expect(try socket.chains() == [base, plain])
        #expect(try socket.tables() == [table])
        var rules = try socket.rules(of: table)
        #expect(rules.map(\.expressions) == [first.expressions, rule.expressions])
        #expect(rules.map(\.comment) == ["", "ours"])
        var removal = NftablesTransaction()
        removal.delete(rules[0])
        try socket.commit(removal)
        rules = try socket.rules(of: table)
        #expect(rules.map(\.comment) == ["ours"])
        // A rule that the kernel does not know is its to refuse, with the request's words.
        var bad = NftablesTransaction()
        bad.add(NftablesRule(table: table, chain: "plain", expressions: [.other("nonsense")]))
        do {
            try socket.commit(bad)
            Issue.record("accepted")
        } catch {
            #expect(error.request == "add a rule to chain inet swl_test plain")
        }
    }

    @Test func deletingATableThatIsGoneSucceeds() async {
        await #expect(processExitsWith: .success) { try NftablesTests.doDeletingATableThatIsGoneSucceeds() }
    }

    private static func doDeletingATableThatIsGoneSucceeds() throws {
        var socket = try prepared()
        for _ in 0..<2 { try socket.deleteTable(table) }
        #expect(try socket.tables() == [])
    }

    @Test func userDataIsReadToItsEnd() {
        #expect(NftablesComment.decode([0, 3, 97, 98, 0]) == "ab")
        #expect(NftablesComment.decode([1, 1, 9, 0, 2, 97, 0]) == "a")
        #expect(NftablesComment.decode([0, 9, 97]) == "")
        #expect(NftablesComment.decode([0]) == "")
        #expect(NftablesComment.decode(NftablesComment.encode("x/y/z")) == "x/y/z")
    }
}
