import Base
import CLinux
import CNITypes
import Netlink

/// Elements of one table, each with its owner. Nothing of another owner is ever changed: what is read is acted on only
/// if the ruleset is still the same.
struct OwnedElements: ~Copyable {
    let table: NftablesTable
    private var socket: NftablesSocket

    /// How often others may change the ruleset between our reading and writing before we give up.
    private static let attempts = 200

    /// - Throws: `CNIError` 5.
    init(_ table: NftablesTable) throws(CNIError) {
        self.table = table
        do {
            socket = try NftablesSocket()
        } catch {
            throw Self.failure("use nftables", error)
        }
    }

    /// Adds what is missing of `wanted`, all or nothing. What is there with this owner and value stays.
    ///
    /// - Parameter install: puts what the elements need into a transaction (the table, its chains, rules and sets), in
    ///   a way that does no harm where it is there; called when something is missing.
    /// - Throws: `CNIError` 100 when a contested one is another's; 5 and 11 for other failures.
    mutating func claim(
        _ wanted: [OwnedElement], for owner: ElementOwner, install: (inout NftablesTransaction) -> Void
    ) throws(CNIError) {
        guard !wanted.isEmpty else { return }
        // One key twice would be in its own way.
        var seen: Set<[UInt8]> = []
        let wanted = wanted.filter { seen.insert(Array($0.set.utf8) + [0] + $0.key).inserted }
        var missing: [(old: NftablesElement?, new: OwnedElement)] = wanted.map { (nil, $0) }
        var generation: UInt32?
        var isInstalled = false
        for _ in 0..<Self.attempts {
            var transaction = NftablesTransaction(capacity: Self.capacity(missing.count), generation: generation)
            for group in Self.grouped(missing) {
                transaction.delete(group.elements.compactMap(\.old), from: group.set, of: table)
                transaction.add(
                    group.elements.map {
                        NftablesElement(key: $0.new.key, value: $0.new.value, comment: owner.description)
                    }, to: group.set, of: table)
            }
            do {
                return try socket.commit(transaction)
            } catch {
                switch error.errno {
                case .noEntry where !isInstalled:
                    isInstalled = true
                    try self.install(install)
                    continue
                // Another value is refused as EBUSY by older kernels; ERESTART: the ruleset has changed.
                case .exists, .busy, .noEntry, Errno(rawValue: ERESTART): break
                default: throw Self.failure("add to nftables table \(table)", error)
                }
            }
            (missing, generation) = try compare(wanted, owner)
            if missing.isEmpty { return }
        }
        throw busy("add to")
    }

    /// Makes what elements need.
    mutating func install(_ install: (inout NftablesTransaction) -> Void) throws(CNIError) {
        var transaction = NftablesTransaction(capacity: 64 << 10)
        install(&transaction)
        do {
            try socket.commit(transaction)
        } catch {
            throw Self.failure("set up nftables table \(table)", error)
        }
    }

    /// What of `wanted` is not there as `owner`'s, and what stands in its place, at one generation of the ruleset.
    private mutating func compare(
        _ wanted: [OwnedElement], _ owner: ElementOwner
    ) throws(CNIError) -> ([(old: NftablesElement?, new: OwnedElement)], UInt32) {
        let generation = try generation()
        var missing: [(old: NftablesElement?, new: OwnedElement)] = []
        for element in wanted {
            let found = try find(element.key, element.set)
            if let found, let contested = element.contested, found.comment != owner.description {
                throw Self.conflict(contested, found)
            }
            if found?.comment == owner.description, found?.value == element.value { continue }
            missing.append((found, element))
        }
        return (missing, generation)
    }

    private static func conflict(_ contested: String, _ found: NftablesElement) -> CNIError {
        let holder = ElementOwner(comment: found.comment).map {
            "container \($0.containerID), interface \($0.interfaceName) of network \($0.network)"
        }
        return CNIError(
            .conflict, "\(contested) is taken by \(holder ?? "\"\(found.comment)\"")",
            details: "choose another, or end that container; if it is gone, GC of its network frees what it left")
    }

    /// Throws unless all of `wanted` is there, `owner`'s and with its value.
    mutating func verify(_ wanted: [OwnedElement], _ owner: ElementOwner) throws(CNIError) {
        for element in wanted {
            let found = try find(element.key, element.set)
            guard let found, found.comment == owner.description, found.value == element.value else {
                throw CNIError(
                    .internalFailure,
                    "nftables table \(table) lacks \(element.contested ?? "an element of \(element.set)") of \(owner)",
                    details: found.map { "what is there is of \"\($0.comment)\" or goes elsewhere" } ?? "")
            }
        }
    }

    /// Deletes those of these elements that are `owner`'s; the values do not count.
    ///
    /// - Returns: what was deleted, with the set's name.
    @discardableResult
    mutating func release(
        _ elements: [OwnedElement], of owner: ElementOwner
    ) throws(CNIError) -> [(set: String, element: NftablesElement)] {
        try delete { (self: inout OwnedElements) throws(CNIError) in
            var found: [(String, NftablesElement)] = []
            for element in elements {
                guard let present = try self.find(element.key, element.set), present.comment == owner.description
                else { continue }
                found.append((element.set, present))
            }
            return found
        }
    }

    /// Deletes the elements of these sets whose owner `isGone`.
    ///
    /// - Returns: what was deleted, with the set's name.
    @discardableResult
    mutating func release(
        from sets: [String], where isGone: (ElementOwner) -> Bool
    ) throws(CNIError) -> [(set: String, element: NftablesElement)] {
        try delete { (self: inout OwnedElements) throws(CNIError) in
            var found: [(String, NftablesElement)] = []
            for set in sets {
                for element in try self.list(set) {
                    if let owner = ElementOwner(comment: element.comment), isGone(owner) {
                        found.append((set, element))
                    }
                }
            }
            return found
        }
    }

    /// Deletes what `find` finds, all or nothing.
    private mutating func delete(
        _ find: (inout OwnedElements) throws(CNIError) -> [(String, NftablesElement)]
    ) throws(CNIError) -> [(set: String, element: NftablesElement)] {
        for _ in 0..<Self.attempts {
            let generation = try generation()
            let found = try find(&self)
            if found.isEmpty { return [] }
            var transaction = NftablesTransaction(capacity: Self.capacity(found.count), generation: generation)
            var rest = found[...]
            while let set = rest.first?.0 {
                let part = rest.prefix { $0.0 == set }
                transaction.delete(part.map(\.1), from: set, of: table)
                rest = rest.dropFirst(part.count)
            }
            do {
                try socket.commit(transaction)
                socket.closeWithoutWaiting()
                return found.map { (set: $0.0, element: $0.1) }
            } catch {
                guard [.noEntry, Errno(rawValue: ERESTART)].contains(error.errno) else {
                    throw Self.failure("delete from nftables table \(table)", error)
                }
            }
        }
        throw busy("delete from")
    }

    private func busy(_ what: String) -> CNIError {
        CNIError(
            .tryAgainLater, "cannot \(what) nftables table \(table): other programs change the ruleset all the time")
    }

    // MARK: reading

    private mutating func generation() throws(CNIError) -> UInt32 {
        do {
            return try socket.generation()
        } catch {
            throw Self.failure("read nftables", error)
        }
    }

    private mutating func find(_ key: [UInt8], _ set: String) throws(CNIError) -> NftablesElement? {
        do {
            return try socket.element(key, of: set, in: table)
        } catch {
            throw Self.failure("read nftables table \(table)", error)
        }
    }

    private mutating func list(_ set: String) throws(CNIError) -> [NftablesElement] {
        do {
            return try socket.elements(of: set, in: table) ?? []
        } catch {
            throw Self.failure("read nftables table \(table)", error)
        }
    }

    /// The names of the table's chains.
    mutating func chains() throws(CNIError) -> [String] {
        do {
            return try socket.chains(table.family).filter { $0.table == table }.map(\.name)
        } catch {
            throw Self.failure("read nftables table \(table)", error)
        }
    }

    /// Deletes the chains with such names that nothing leads to.
    mutating func removeUnusedChains(_ prefix: String) throws(CNIError) {
        for name in try chains() where name.hasPrefix(prefix) {
            var transaction = NftablesTransaction(capacity: 1024)
            transaction.delete(NftablesChain(name, of: table))
            do {
                try socket.commit(transaction)
            } catch {
                // It is in use, or somebody else was faster.
                if ![.busy, .noEntry].contains(error.errno) {
                    throw Self.failure("delete from nftables table \(table)", error)
                }
            }
        }
    }

    private static func failure(_ what: String, _ error: NetlinkError) -> CNIError {
        CNIError(.inputOutput, "cannot \(what)", details: error.description)
    }

    /// Bytes enough for a transaction of so many elements, each deleted and added.
    private static func capacity(_ elements: Int) -> Int { (16 << 10) + elements * 1024 }

    private typealias Group = (set: String, elements: [(old: NftablesElement?, new: OwnedElement)])

    private static func grouped(_ elements: [(old: NftablesElement?, new: OwnedElement)]) -> [Group] {
        var groups: [Group] = []
        for element in elements {
            if let index = groups.firstIndex(where: { $0.set == element.new.set }) {
                groups[index].elements.append(element)
            } else {
                groups.append((element.new.set, [element]))
            }
        }
        return groups
    }
}

extension CNIError.Code {
    /// Of our plugins: what was asked for is another attachment's.
    static let conflict = CNIError.Code(rawValue: 100)
}
