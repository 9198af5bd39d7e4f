import NodeAgent

extension NodeServiceError {
    init(_ error: ControlError) {
        let status =
            switch error.reason {
            case .noSuchPod: 404
            case .noSuchContainer: 400
            case .conflict: 409
            case .invalid: 422
            case .notRecorded: 500
            }
        self.init(status: status, error.description)
    }
}
