import CNITypes
import JSON

/// Runs `body`, which reads the configuration; what it does not find as it should be is an invalid configuration.
///
/// - Parameter what: whose part is read: "the ipam section of network n".
func reading<T>(_ what: String, _ body: () throws(JSONError) -> T) throws(CNIError) -> T {
    do {
        return try body()
    } catch {
        throw CNIError(.invalidConfiguration, "\(what) cannot be used", details: error.description)
    }
}
