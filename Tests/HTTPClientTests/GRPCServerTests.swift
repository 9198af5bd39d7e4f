import Base
import TestSupport
import Testing

@testable import HTTPClient

/// Against a real server of gRPC: that of Debian's python3-grpcio.
@Suite(.enabled(if: Files.exists("/usr/lib/python3/dist-packages/grpc"), "python3-grpcio is not there"))
struct GRPCServerTests {
    /// `up` and the server itself serve, `down` does not, others are unknown. What is asked in another way than a
    /// kubelet asks is refused, and so fails the test.
    private static let script = """
        import concurrent.futures
        import grpc

        def check(request, context):
            told = dict(context.invocation_metadata())
            if not told.get('user-agent', '').startswith('kube-probe/1.36'):
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, 'not as a kubelet asks')
            # HealthCheckRequest: the service is field 1, and left out when it is empty.
            service = ''
            if request:
                length, start = request[1], 2
                if length & 0x80:
                    length, start = length & 0x7f | request[2] << 7, 3
                if request[0] != 0x0a or length != len(request) - start:
                    context.abort(grpc.StatusCode.INVALID_ARGUMENT, 'not a HealthCheckRequest')
                service = request[start:].decode()
            status = {'': 1, 'up': 1, 'down': 2}.get(service)
            if status is None:
                context.abort(grpc.StatusCode.NOT_FOUND, 'unknown service')
            return bytes([8, status])

        server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=2))
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
            'grpc.health.v1.Health', {'Check': grpc.unary_unary_rpc_method_handler(check)}),))
        port = server.add_insecure_port('127.0.0.1:0')
        server.start()
        print(f'port {port}.', flush=True)
        server.wait_for_termination()
        """

    @Test func aServerIsAskedAndUnderstood() throws {
        let folder = try TemporaryDirectory()
        try Files.replace("\(folder.path)/server.py", with: Self.script.utf8, durable: false)
        let log = "\(folder.path)/log"
        let server = try ServerProcess(
            "/usr/bin/python3", ["\(folder.path)/server.py"], environment: ["PATH=/usr/bin:/bin"], log: log)
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
