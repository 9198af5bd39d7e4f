import Base
import CLinux
import CNITypes
import JSON

/// Gives out addresses that a DHCP server of the network lends. Called by the plugin that makes the interface; a daemon of
/// the same program asks for them, and for more time (`DHCPDaemon`).
public struct DHCP: CNIPlugin {
    public static let name = "dhcp"

    public init() {}

    public func add(_ request: AttachmentRequest) throws(CNIError) -> CNIResult {
        let wanted = try DHCPConfiguration(request.configuration, request.environment)
        let answer = try Self.ask(.add, request, at: wanted.socketPath)
        do {
            return try CNIResult(json: answer)
        } catch {
            throw CNIError(.undecodable, "the answer of the DHCP daemon is no result", details: "\(error)")
        }
    }

    /// Without a daemon the lease ends by itself, and the next one is not to go on with it.
    public func delete(_ request: AttachmentRequest) throws(CNIError) {
        let path = DHCPConfiguration.socketPath(request.configuration)
        do throws(CNIError) {
            _ = try Self.ask(.delete, request, at: path)
        } catch {
            guard error.code == .unavailable else { throw error }
            try Self.forget(at: path) { $0 == DHCPRecord.name(request) }
        }
    }

    public func check(_ request: AttachmentRequest) throws(CNIError) {
        let wanted = try DHCPConfiguration(request.configuration, request.environment)
        let result = try request.requiredResult()
        let answer = try Self.ask(.check, request, at: wanted.socketPath)
        guard let address = (try? CNIResult(json: answer))?.ips.first?.address,
            result.ips.contains(where: { $0.address == address })
        else { throw CNIError(.internalFailure, "prevResult lacks the address that the DHCP server lends") }
    }

    /// Throws unless the daemon is there.
    public func status(_ configuration: NetworkConfiguration, _ environment: PluginEnvironment) throws(CNIError) {
        let wanted = try DHCPConfiguration(configuration, environment)
        _ = try Self.connect(wanted.socketPath)
    }

    public func collectGarbage(
        _ configuration: NetworkConfiguration, _ environment: PluginEnvironment,
        valid: Set<NetworkConfiguration.Attachment>
    ) throws(CNIError) {
        let path = DHCPConfiguration.socketPath(configuration)
        let request = AttachmentRequest(environment: environment, configuration: configuration)
        do throws(CNIError) {
            _ = try Self.ask(.collectGarbage, request, at: path)
        } catch {
            guard error.code == .unavailable else { throw error }
            try Self.forget(at: path) { name in
                guard let (network, attachment) = DHCPRecord.attachment(name) else { return false }
                return network == configuration.name && !valid.contains(attachment)
            }
        }
    }

    private static func forget(at socket: String, _ isGone: (String) -> Bool) throws(CNIError) {
        let folder = DHCPRecord.folder(socket)
        do {
            for name in try Files.list(folder) where isGone(name) { try Files.remove(Path.join(folder, name)) }
        } catch {
            if error.errno == .noEntry { return }
            throw CNIError(.inputOutput, "cannot forget leases", details: "\(error)")
        }
    }

    // MARK: the daemon

    private static func connect(_ path: String) throws(CNIError) -> FileDescriptor {
        do {
            return FileDescriptor(adopting: try retrying("connect to", path) { swl_unix_socket(path, 0, 0) })
        } catch {
            throw CNIError(
                .unavailable, "the DHCP daemon cannot be reached at \(path)",
                details:
                    "start it: systemctl start swiftlet-dhcp.socket, or the program dhcp with the word daemon (\(error))"
            )
        }
    }

    /// - Returns: the answer, null for none.
    private static func ask(
        _ command: PluginEnvironment.Command, _ request: AttachmentRequest, at path: String
    ) throws(CNIError) -> JSONValue {
        let socket = try connect(path)
        let call = DHCPCall(command: command, request)
        let bytes: [UInt8]
        do {
            try socket.writeAll(JSONWriter().bytes(call.json), name: path)
            shutdown(socket.raw, Int32(SHUT_WR))
            // The daemon answers when it has an address, or has given up.
            bytes = try socket.readAll(limit: NetworkConfiguration.limits.bytes, name: path)
        } catch {
            throw CNIError(.tryAgainLater, "the DHCP daemon did not answer", details: "\(error)")
        }
        guard let answer = try? JSONParser.parse(bytes, limits: NetworkConfiguration.limits) else {
            throw CNIError(.tryAgainLater, "the DHCP daemon ended before it answered", details: "its log says why")
        }
        guard let code = answer["code"]?.integerValue, let message = answer["msg"]?.stringValue else { return answer }
        throw CNIError(
            CNIError.Code(rawValue: UInt32(clamping: code)), message, details: answer["details"]?.stringValue ?? "")
    }
}
