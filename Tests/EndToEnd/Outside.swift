import Base
import CLinux
import Linux
import Netlink

/// A machine outside the node: a network namespace on the other end of a cable to this one. It knows the node's
/// address and no way to the pods.
final class Outside {
    /// The node's address on the cable.
    static let node = "192.0.2.1"
    static let address = "192.0.2.2"
    private let folder: String
    private let namespace: SharedDescriptor
    private var servers: [ChildProcess] = []

    init() throws {
        folder = try scratchFolder()
        let path = folder + "/netns"
        try NetworkNamespace.create(at: path)
        let opened = try FileDescriptor.open(path, O_RDONLY)
        var routes = try RouteSocket()
        let mac = try MACAddress.random()
        let peerMAC = try MACAddress.random()
        try routes.perform { batch in
            batch.createVeth(
                VethPair(name: "cable0", mac: mac, peerName: "cable1", peerMAC: peerMAC), peerNamespace: opened)
        }
        guard let link = try routes.link(named: "cable0") else { throw Failure("there is no cable0") }
        try routes.perform { $0.addAddress(InterfaceAddress([192, 0, 2, 1], prefixLength: 30), to: link.index) }
        namespace = SharedDescriptor(opened)
        try inside("address")
    }

    deinit {
        for server in servers {
            _ = try? server.send(SIGKILL)
            _ = try? server.wait(block: true)
        }
        try? NetworkNamespace.remove(at: folder + "/netns")
        // The cable goes with the namespace, somewhat later.
        if var routes = try? RouteSocket() { try? routes.perform { $0.deleteLink(.name("cable0")) } }
        try? Files.removeTree(folder)
    }

    private func spawn(_ arguments: [String], output: SharedDescriptor?) throws -> ChildProcess {
        var spawn = Spawn("/proc/self/exe", ["--outside"] + arguments)
        spawn.networkNamespace = namespace
        spawn.standardOutput = output
        spawn.standardError = output
        spawn.parentDeathSignal = SIGKILL
        return try spawn.start()
    }

    @discardableResult
    private func inside(_ arguments: String...) throws -> String {
        let path = folder + "/out"
        let output = SharedDescriptor(try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600))
        let exit = try spawn(arguments, output: output).wait(block: true)
        let said = try text(path)
        guard exit?.code == 0 else { throw Failure("outside: \(arguments.joined(separator: " ")): \(said)") }
        return said
    }

    /// Gets a page from outside.
    func fetch(_ address: String, _ port: UInt16) throws -> String { try inside("fetch", address, "\(port)") }

    /// Serves on a port of the outside machine until the test ends.
    func serve(_ port: UInt16) throws { servers.append(try spawn(["serve", "\(port)"], output: nil)) }

    /// What the children of `inside` do.
    static func run(_ arguments: [String]) -> Int32 {
        do {
            switch (arguments.first, arguments.count) {
            case ("address", 1):
                var routes = try RouteSocket()
                guard let link = try routes.link(named: "cable1") else { throw Failure("there is no cable1") }
                try routes.perform {
                    $0.setUp(.index(link.index))
                    $0.addAddress(InterfaceAddress([192, 0, 2, 2], prefixLength: 30), to: link.index)
                }
            case ("fetch", 3): print(try HTTPPeer.fetch(arguments[1], UInt16(arguments[2]) ?? 0), terminator: "")
            case ("serve", 2): try HTTPPeer.serve(UInt16(arguments[1]) ?? 0)
            default: throw Failure("unknown: \(arguments)")
            }
            return 0
        } catch {
            print(error)
            return 1
        }
    }
}
