import Base
import CLinux
import HTTP
import TLS

@testable import HTTPClient

/// Does blocking work on the loop's own thread.
final class InlineWork: BlockingWork {
    let loop: EventLoop
    init(_ loop: EventLoop) { self.loop = loop }

    func run<T: Sendable>(_ work: @escaping @Sendable () -> T, then: @escaping (T) -> Void) {
        loop.enqueue { then(work()) }
    }
}

extension EventLoop {
    /// Turns until `isDone`, at most half a minute.
    func turn(until isDone: () throws -> Bool) throws {
        let deadline = BootInstant.now + .seconds(30)
        while try !isDone() {
            guard BootInstant.now < deadline else {
                throw SystemError("wait for", "the client", Errno(rawValue: ETIMEDOUT))
            }
            schedule(after: .milliseconds(2)) {}
            try turn(wait: true)
        }
    }
}

/// A client of `url` on a loop.
final class ClientHarness {
    let loop: EventLoop
    let client: HTTPClient

    init(_ loop: EventLoop, _ url: String, _ options: ClientOptions = ClientOptions()) throws {
        self.loop = loop
        client = HTTPClient(try HTTPURL(url), options: options, loop: loop, work: InlineWork(loop))
    }

    func send(_ request: ClientRequest = ClientRequest("GET")) throws -> Result<ClientResponse, ClientError> {
        var result: Result<ClientResponse, ClientError>?
        client.send(request) { result = $0 }
        try loop.turn { result != nil }
        guard let result else { throw ClientError(.timeOut, "no result") }
        return result
    }

    func text() throws -> String { String(decoding: try send().get().body, as: UTF8.self) }

    /// Why a request fails.
    func failure(_ request: ClientRequest = ClientRequest("GET")) throws -> ClientError? {
        if case .failure(let error) = try send(request) { error } else { nil }
    }
}
