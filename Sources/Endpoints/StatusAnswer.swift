import Base
import HTTP
import HTTPClient

/// What an answer to a status means. Pure.
enum StatusAnswer: Equatable {
    case taken
    /// The server is away, or not ready: everything waits.
    case notNow(String, asked: Nanoseconds?)
    /// This status is not acceptable to the server; others may be.
    case refused(String)

    init(_ result: Result<ClientResponse, ClientError>, now: Timestamp) {
        switch result {
        case .failure(let error): self = .notNow(error.message, asked: nil)
        case .success(let response):
            let head = response.head
            switch head.status {
            case 200..<300: self = .taken
            case 300..<400:
                let place = head.headers["Location"].map { " to \(URLAnswers.shown($0))" } ?? ""
                self = .notNow(
                    "a redirect (\(head.status))\(place); none is followed, name the right URL", asked: nil)
            // Of the URL or of who asks, not of this pod.
            case 401, 403, 404, 405, 407, 408, 421, 425, 429:
                self = .notNow(URLAnswers.words(head), asked: RetryDelay.asked(head, now: now))
            case 400..<500: self = .refused(URLAnswers.words(head))
            default: self = .notNow(URLAnswers.words(head), asked: RetryDelay.asked(head, now: now))
            }
        }
    }
}
