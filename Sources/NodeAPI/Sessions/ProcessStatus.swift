import JSON

/// How a process ended, as a v1 Status.
struct ProcessStatus {
    /// Empty for success.
    let message: String
    let json: JSONValue

    init(_ result: Result<Int32, NodeServiceError>) {
        switch result {
        case .success(0):
            message = ""
            json = ["metadata": [:], "status": "Success"]
        case .success(let code):
            message = "command terminated with non-zero exit code: exit status \(code)"
            json = [
                "metadata": [:], "status": "Failure", "message": .string(message), "reason": "NonZeroExitCode",
                "details": ["causes": [["reason": "ExitCode", "message": .string(String(code))]]],
            ]
        case .failure(let error):
            message = error.message
            json = [
                "metadata": [:], "status": "Failure", "message": .string(message),
                "reason": .string(Self.reason(error.status)), "code": .integer(error.status),
            ]
        }
    }

    private static func reason(_ status: Int) -> String {
        switch status {
        case 400: "BadRequest"
        case 404: "NotFound"
        case 409: "Conflict"
        default: "InternalError"
        }
    }
}
