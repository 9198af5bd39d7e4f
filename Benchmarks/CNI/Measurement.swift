import Base
import CLinux
import Linux

/// The lanes beside each other: what one does the next does right after it, in turns.
struct Measurement {
    let folder: String
    let lanes: [any Lane]

    /// Between two operations: what the kernel still removes of the one before is nobody's cost.
    private static let settling: Int32 = 80

    /// The index of the first attachment beside those that stay. None is used again soon: a link may be there for a while
    /// after its namespace has gone.
    private static let further = 2000

    /// The start of a program that has nothing to do.
    func measureStarts(_ count: Int) throws {
        var samples: [String: Samples] = [:]
        for round in -3..<count {
            for lane in lanes {
                let duration = try lane.start()
                if round >= 0 { samples[lane.name, default: Samples()].append(duration) }
            }
        }
        for lane in lanes { samples[lane.name]?.report("cni_\(lane.name)_start") }
    }

    /// `count` attachments up and down, one at a time: each once removed from a namespace that lives on, and once after
    /// its namespace is gone.
    func measureRounds(_ count: Int) throws {
        let table = try rounds(count, warm: 3)
        for lane in lanes {
            for operation in Operation.allCases {
                table[lane.name, operation].report("cni_\(lane.name)_\(operation.rawValue)")
            }
        }
        func ratio(_ title: String, _ operation: Operation, _ one: String, _ other: String) {
            guard lanes.contains(where: { $0.name == one }) else { return }
            let (a, b) = (table[one, operation], table[other, operation])
            print(
                "RATIO \(title) \(one) / \(other): p50 \(Samples.ratio(a.median, b.median)), "
                    + "min \(Samples.ratio(a.least, b.least))")
        }
        for operation in [Operation.add, .deleteLive, .deleteGone] {
            ratio(operation.rawValue, operation, "reference", "ours")
        }
        ratio("add", .add, "ours", "floor")
        ratio("add with its namespace", .addWithNamespace, "ours", "floor")
        ratio("del_gone", .deleteGone, "ours", "floor")
        ratio("del_live", .deleteLive, "ours", "floor")
    }

    /// The ports of one container.
    func measurePorts(_ count: Int, reference: Int) throws {
        for lane in lanes {
            let ports = lane.name == "reference" ? reference : count
            guard ports > 0 else { continue }
            var (add, delete) = (Samples(), Samples())
            for _ in 0..<(lane.name == "reference" ? 1 : 10) {
                var sandbox = try make(lane, 0)
                sandbox.ports = ports
                try enter(lane)
                add.append(try lane.add(sandbox).ports)
                delete.append(try lane.delete(sandbox, isGone: false).ports)
                try remove(sandbox)
                settle()
            }
            add.report("cni_\(lane.name)_\(ports)_ports_add")
            delete.report("cni_\(lane.name)_\(ports)_ports_del")
        }
    }

    /// The cost of one more attachment beside 1, 100 and `scale`, and of all of them up and down.
    func measureGrowth(to scale: Int, reference: Int) throws {
        var tables: [Int: Table] = [:]
        var total: [String: Nanoseconds] = [:]
        var sandboxes: [String: [Sandbox]] = [:]
        let levels = [1, 100, scale].filter { $0 <= scale }
        for level in levels {
            let taking = lanes.filter { $0.name != "reference" || level <= reference }
            for number in 0..<level {
                for lane in taking where (sandboxes[lane.name]?.count ?? 0) <= number {
                    let sandbox = try make(lane, number)
                    try enter(lane)
                    let cost = try lane.add(sandbox)
                    total[lane.name, default: Nanoseconds(0)].count += cost.whole.count
                    sandboxes[lane.name, default: []].append(sandbox)
                }
            }
            let table = try rounds(30, warm: 2, lanes: taking)
            tables[level] = table
            for lane in taking {
                for operation in [Operation.add, .deleteLive, .deleteGone] {
                    table[lane.name, operation].report("cni_\(lane.name)_\(operation.rawValue)_beside_\(level)")
                }
            }
        }
        for lane in lanes {
            guard let all = sandboxes[lane.name], let up = total[lane.name] else { continue }
            print("BENCH cni_\(lane.name)_\(all.count)_up \(Samples.milliseconds(up)) ms")
            try enter(lane)
            let start = BootInstant.now
            for sandbox in all.reversed() {
                _ = try lane.delete(sandbox, isGone: false)
                try remove(sandbox)
            }
            print("BENCH cni_\(lane.name)_\(all.count)_down \(Samples.milliseconds(.now - start)) ms")
        }
        guard let first = tables[1], let last = tables[scale] else { return }
        for operation in [Operation.add, .deleteLive, .deleteGone] {
            for (title, value) in [("p50", \Samples.median), ("min", \Samples.least)] {
                // Thousandths.
                func growth(_ lane: String) -> Int64 {
                    let one = first[lane, operation][keyPath: value].count
                    return last[lane, operation][keyPath: value].count * 1000 / max(one, 1)
                }
                let (ours, floor) = (growth("ours"), growth("floor"))
                print(
                    "RATIO growth of \(operation.rawValue) from 1 to \(scale) (\(title)): ours "
                        + "\(Samples.decimal(ours)), floor \(Samples.decimal(floor)), ours / floor "
                        + Samples.decimal(ours * 1000 / max(floor, 1)))
            }
        }
    }

    // MARK: rounds

    enum Operation: String, CaseIterable {
        case namespace
        case add
        case addWithNamespace = "add_with_namespace"
        /// What of it is the ports'.
        case addPorts = "add_ports"
        case deleteLive = "del_live"
        case deleteGone = "del_gone"
    }

    struct Table {
        private var samples: [String: [Operation: Samples]] = [:]

        subscript(lane: String, operation: Operation) -> Samples {
            get { samples[lane]?[operation] ?? Samples() }
            set { samples[lane, default: [:]][operation] = newValue }
        }
    }

    private func rounds(_ count: Int, warm: Int, lanes chosen: [any Lane]? = nil) throws -> Table {
        var table = Table()
        let taking = chosen ?? lanes
        for round in -warm..<count {
            for position in taking.indices {
                let lane = taking[(position + round + warm) % taking.count]
                for isGone in [false, true] {
                    let start = BootInstant.now
                    let sandbox = try make(lane, Self.further + 2 * (round + warm) + (isGone ? 1 : 0))
                    let namespace = .now - start
                    try enter(lane)
                    let cost = try lane.add(sandbox)
                    let add = cost.whole
                    let link = lane.link(of: sandbox)
                    guard if_nametoindex(link) != 0 else { throw Problem("\(lane.name): ADD has made no \(link)") }
                    settle()
                    if isGone { try remove(sandbox) }
                    let delete = try lane.delete(sandbox, isGone: isGone)
                    if !isGone {
                        guard if_nametoindex(link) == 0 else {
                            throw Problem("\(lane.name): \(link) is there after DEL")
                        }
                        try remove(sandbox)
                    }
                    settle()
                    guard round >= 0 else { continue }
                    table[lane.name, .namespace].append(namespace)
                    table[lane.name, .add].append(add)
                    table[lane.name, .addPorts].append(cost.ports)
                    table[lane.name, .addWithNamespace].append(Nanoseconds(namespace.count + add.count))
                    // What had to be asked for twice says nothing of one call.
                    guard !delete.isRepeated else { continue }
                    table[lane.name, isGone ? .deleteGone : .deleteLive].append(delete.whole)
                }
            }
        }
        return table
    }

    private func make(_ lane: any Lane, _ index: Int) throws -> Sandbox {
        let path = Path.join(folder, "\(lane.name)-\(index)")
        try NetworkNamespace.create(at: path)
        return Sandbox(index: index, path: path)
    }

    private func remove(_ sandbox: Sandbox) throws { try NetworkNamespace.remove(at: sandbox.path) }

    private func enter(_ lane: any Lane) throws { try NetworkNamespace(path: lane.host).enter() }

    private func settle() { _ = poll(nil, 0, Self.settling) }
}
