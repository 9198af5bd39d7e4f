import CNITypes

/// Why a pod is not connected, as a sentence that names the plugin and the network.
struct NetworkFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    init(_ verb: String, plugin: String, of network: String, _ error: CNIError) {
        description = "network \(network): plugin \(plugin) \(verb): \(error)"
    }
}
