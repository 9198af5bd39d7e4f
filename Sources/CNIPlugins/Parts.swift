import CNITypes

/// Does a part of a job of which each part is tried.
func collect(_ failures: inout [CNIError], _ body: () throws(CNIError) -> Void) {
    do {
        try body()
    } catch {
        failures.append(error)
    }
}
