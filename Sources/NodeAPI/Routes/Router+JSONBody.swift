import HTTP
import JSON

extension Router {
    /// Takes a body of JSON, of at most what an API server takes.
    func jsonBody(_ run: @escaping (Exchange, JSONValue) -> Void) -> Endpoint {
        let body = CollectedBody()
        return Endpoint(
            body: Endpoint.Body(
                limit: 3 << 20, receive: { _, bytes in body.bytes += bytes }, abort: { body.bytes = [] })
        ) { exchange in
            do throws(JSONError) {
                run(exchange, try JSONParser.parse(body.bytes, limits: .init(bytes: 3 << 20)))
            } catch {
                exchange.respond(.badRequest("the body is no JSON: \(error)"))
            }
        }
    }

    private final class CollectedBody {
        var bytes: [UInt8] = []
    }
}
