import Base
import TestSupport
import Testing

@testable import HTTPClient

/// Against an HTTP/2 of others: node's, which is nghttp2.
@Suite(.enabled(if: Files.exists("/usr/bin/node"), "node is not there"))
struct GRPCServerTests {
    /// Answers as a server of gRPC does: `up` serves, `down` does not, others are unknown.
    private static let script = """
        const http2 = require('http2');
        const server = http2.createServer();
        server.on('stream', (stream, headers) => {
          const parts = [];
          stream.on('data', (part) => parts.push(part));
          stream.on('end', () => {
            const body = Buffer.concat(parts);
            const service = body.length > 7 ? body.subarray(7).toString() : '';
            const right = headers[':method'] === 'POST' && headers[':path'] === '/grpc.health.v1.Health/Check'
              && headers[':scheme'] === 'http' && headers['content-type'] === 'application/grpc'
              && headers['te'] === 'trailers' && headers['user-agent'] === 'kube-probe/1.36'
              && headers[':authority'] === '127.0.0.1:' + server.address().port
              && body.length >= 5 && body.readUInt32BE(1) === body.length - 5;
            const status = !right ? 0 : { '': 1, up: 1, down: 2 }[service];
            if (status === undefined) {
              stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' },
                { endStream: true });
              return;
            }
            stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
            stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
            stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]));
          });
        });
        server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port + '.'));
        """

    @Test func aServerIsAskedAndUnderstood() throws {
        let folder = try TemporaryDirectory()
        try Files.replace("\(folder.path)/server.js", with: Self.script.utf8, durable: false)
        let log = "\(folder.path)/log"
        let server = try ServerProcess(
            "/usr/bin/node", ["\(folder.path)/server.js"], environment: ["PATH=/usr/bin:/bin"], log: log)
        try server.wait(untilItSays: ".")
        let said = try Files.readText(log)
        let port = try #require(UInt16(said.drop { !$0.isNumber }.prefix { $0.isNumber }), "\(said)")
        let loop = try EventLoop()
        func ask(_ service: String) throws -> String? {
            var found: String??
            let probe = GRPCProbe(
                "127.0.0.1", port, service: service, timeout: .seconds(20), loop: loop, work: InlineWork(loop)
            ) { found = $0 }
            try withExtendedLifetime(probe) { try loop.turn { found != nil } }
            return found ?? nil
        }
        // The last has a name whose length takes two bytes.
        let answers = try ["", "up", "down", "else", String(repeating: "x", count: 300)].map(ask)
        withExtendedLifetime(server) {}
        let unknown = "error: health rpc probe failed: the server has no status for the service, or does not implement "
        #expect(
            answers == [
                nil, nil, "service unhealthy (responded with \"NOT_SERVING\")", unknown + "grpc.health.v1.Health",
                unknown + "grpc.health.v1.Health",
            ])
    }
}
