import Base
import CLinux
import CNITypes
import JSON

/// A plugin that asks the daemon: one call, which ends where it closes its side, and one answer.
final class DHCPConnection {
    private let socket: SharedDescriptor
    private unowned let daemon: DHCPDaemon
    private var token: EventLoop.Token?
    private var input: [UInt8] = []

    init(_ socket: consuming FileDescriptor, _ daemon: DHCPDaemon) throws(SystemError) {
        try socket.setNonBlocking()
        self.socket = SharedDescriptor(socket)
        self.daemon = daemon
        token = try daemon.loop.watch(self.socket.descriptor, for: .readable) { [weak self] _ in self?.read() }
    }

    private func read() {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        do {
            while let count = try socket.descriptor.read(into: &chunk) {
                if count == 0 { return serve() }
                input += chunk[..<count]
                guard input.count <= NetworkConfiguration.limits.bytes else { return close() }
            }
        } catch { close() }
    }

    private func serve() {
        if let token { daemon.loop.unwatch(token) }
        token = nil
        do throws(CNIError) {
            let json: JSONValue
            do throws(JSONError) {
                json = try JSONParser.parse(input, limits: NetworkConfiguration.limits)
            } catch {
                throw CNIError(.undecodable, "the call is no JSON", details: "\(error)")
            }
            daemon.serve(try DHCPCall(json)) { [weak self] in self?.answer($0) }
        } catch { answer(.failure(error)) }
    }

    private func answer(_ result: Result<CNIResult?, CNIError>) {
        let json: JSONValue =
            switch result {
            case .success(let result): result?.json(.current) ?? .object(JSONObject())
            case .failure(let error): error.json(.current)
            }
        // Small; one who does not read it is not waited for.
        try? socket.descriptor.writeAll(JSONWriter().bytes(json))
        close()
    }

    private func close() {
        if let token { daemon.loop.unwatch(token) }
        token = nil
        daemon.forget(self)
    }
}
