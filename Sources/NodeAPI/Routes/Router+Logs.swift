import Base
import HTTP

extension Router {
    /// `GET /containerLogs/{namespace}/{pod}[/{container}]` with the parameters of PodLogOptions.
    func containerLogs(_ exchange: Exchange) {
        let path = exchange.target.path
        do throws(NodeServiceError) {
            let options = try LogOptions(exchange.target, now: .now)
            let stream = try LogStream(
                service: service, loop: loop, namespace: path[1], pod: path[2],
                container: path.count == 4 ? path[3] : nil, options: options)
            stream.start(exchange)
        } catch {
            exchange.respond(error)
        }
    }
}
