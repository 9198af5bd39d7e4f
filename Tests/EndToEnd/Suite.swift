import Base
import CLinux

/// What a test needs of the machine. Where it is not there the test is skipped, never passed.
enum Need: String {
    /// The reference CNI plugins.
    case plugins = "the reference CNI plugins in /usr/lib/cni"
    /// cpu, memory and pids on cgroup v2.
    case limits = "the cpu, memory and pids controllers on cgroup v2"
    /// Programs of the next protocol version.
    case nextVersion = "the programs of scripts/build next"
    case strace = "strace"
    case projectQuotas = "a machine of the tests' own whose kernel has quota_v2, and mke2fs"
    case python = "python3 with its standard library"
    /// The WebSocket client of Debian.
    case webSocket = "python3-websocket"
    case nginx = "nginx and openssl"
    case registry = "docker-registry and skopeo"
    /// Prometheus' own parser.
    case promtool = "promtool"
    case appArmor = "a kernel with AppArmor, and apparmor_parser"
    case noAppArmor = "a kernel without AppArmor"
}

/// A promise to a user, and the check of it.
struct Test {
    var promise: String
    var needs: [Need]
    var body: (Node) throws -> Void

    init(_ promise: String, needs: Need..., body: @escaping (Node) throws -> Void) {
        self.promise = promise
        self.needs = needs
        self.body = body
    }
}

/// Tests that share one agent. Each has its own pods; after all of them nothing of a pod may be left.
struct Suite: Sendable {
    var name: String
    /// Whether each test gets an agent of its own, as those need that end it.
    var freshNode = false
    var images: [String] = ["busybox.tar"]
    /// Its promises are kept by the kernel, and so are to be seen on more than one.
    var isOfKernel = false
    private let makeTests: @Sendable () -> [Test]
    var tests: [Test] { makeTests() }

    init(
        _ name: String, freshNode: Bool = false, images: [String] = ["busybox.tar"], isOfKernel: Bool = false,
        tests: @escaping @Sendable () -> [Test]
    ) {
        self.name = name
        self.freshNode = freshNode
        self.images = images
        self.isOfKernel = isOfKernel
        makeTests = tests
    }
}

/// A check that did not hold.
struct Failure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

/// Throws unless `condition` holds.
func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw Failure(message()) }
}

/// Throws unless the two are equal, showing both.
func expectEqual<T: Equatable>(_ found: T, _ wanted: T, _ what: String) throws {
    if found != wanted { throw Failure("\(what): found \(found), expected \(wanted)") }
}

/// Throws unless `text` contains `part`.
func expectContains(_ text: String, _ part: String, _ what: String) throws {
    if !text.contains(part) { throw Failure("\(what): \"\(part)\" is not in:\n\(text.suffix(2000))") }
}

/// Runs suites, prints a line a test and counts.
struct Runner {
    let machine: Machine
    let filters: [String]
    /// Only suites of the kernel, and what needs its limits.
    let onlyKernel: Bool
    private(set) var passed = 0
    private(set) var failed = 0
    private(set) var skipped = 0

    init(machine: Machine, filters: [String], onlyKernel: Bool) {
        self.machine = machine
        self.onlyKernel = onlyKernel
        self.filters = filters
    }

    mutating func run(_ suite: Suite) {
        let tests = suite.tests.filter { test in
            if onlyKernel, !suite.isOfKernel, !test.needs.contains(.limits) { return false }
            return filters.isEmpty || filters.contains { "\(suite.name): \(test.promise)".contains($0) }
        }
        if tests.isEmpty { return }
        var shared: Node?
        let before = LeakCount.now()
        for test in tests {
            if let missing = test.needs.first(where: { !machine.has($0) }) {
                report(suite, test, "skipped", "needs \(missing.rawValue)")
                skipped += 1
                continue
            }
            let start = BootInstant.now
            var node: Node?
            do {
                if shared == nil || suite.freshNode || shared?.isRunning == false {
                    shared?.discard()
                    shared = nil
                    shared = try Node(machine, images: suite.images)
                }
                guard let current = shared else { throw Failure("no agent") }
                node = current
                try test.body(current)
                try current.removeAllPods()
                if suite.freshNode {
                    shared = nil
                    try current.end()
                    try LeakCount.now().expectSameNetwork(as: before)
                }
                report(suite, test, "passed", "\(BootInstant.now - start)")
                passed += 1
            } catch {
                report(suite, test, "FAILED", "\(BootInstant.now - start): \(error)")
                failed += 1
                if let node { print(node.diagnosis()) }
                node?.discard()
                shared = nil
            }
        }
        guard let last = shared else { return }
        // The agent's end is a test of its own: draining leaves nothing.
        do {
            try last.end()
            try LeakCount.now().expectSameNetwork(as: before)
            if machine.isOurs { try LeakCount.now().expectNoMore(than: before) }
            print("ok     \(suite.name): nothing is left after the drain")
            passed += 1
        } catch {
            print("FAILED \(suite.name): nothing is left after the drain: \(error)")
            print(last.diagnosis())
            last.discard()
            failed += 1
        }
        fflush(nil)
    }

    private func report(_ suite: Suite, _ test: Test, _ outcome: String, _ detail: String) {
        let word = outcome == "passed" ? "ok    " : outcome == "skipped" ? "skip  " : outcome
        print("\(word) \(suite.name): \(test.promise) (\(detail))")
        fflush(nil)
    }
}
