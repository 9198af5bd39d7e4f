import Base
import HTTP
import HTTPClient
import JSON
import Kube
import PodSources
import Testing

@testable import Endpoints

func podJSON(_ name: String, _ image: String = "busybox") -> String {
    """
    {"apiVersion":"v1","kind":"Pod","metadata":{"name":"\(name)"},
     "spec":{"containers":[{"name":"main","image":"\(image)"}]}}
    """
}

@Suite struct URLAnswersTests {
    let url: HTTPURL
    var answers: URLAnswers

    init() throws {
        url = try HTTPURL("https://pods.example/v1?site=7")
        answers = URLAnswers(url)
    }

    static func response(
        _ body: String, status: Int = 200, _ fields: [String: String] = [:], hasLength: Bool = true
    ) -> Result<ClientResponse, ClientError> {
        var headers = HTTPHeaders(fields.map { .init($0.key, $0.value) })
        if hasLength { headers.append("Content-Length", "\(body.utf8.count)") }
        return .success(
            ClientResponse(head: HTTPResponseHead(status: status, headers: headers), body: Array(body.utf8)))
    }

    /// Takes an answer and accepts what is good; whether it was.
    mutating func take(_ result: Result<ClientResponse, ClientError>) -> Bool {
        guard case .good(let contents, let answer) = answers.take(result) else { return false }
        answers.accept(contents, answer)
        return true
    }

    func names() -> [String] { answers.contents.pods.map(\.key.name) }
    func problems() -> [String] { answers.problems.map(\.description) }

    @Test mutating func podsAndListsInJSONAndYAMLAreTaken() {
        for body in [
            podJSON("a"), #"{"apiVersion":"v1","kind":"PodList","items":[\#(podJSON("a"))]}"#,
            "apiVersion: v1\nkind: List\nitems:\n- \(podJSON("a").replacing("\n", with: ""))\n",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: m, image: i}]}\n",
        ] {
            #expect(take(Self.response(body)), "\(body)")
            #expect(names() == ["a"] && problems() == [])
        }
    }

    static let bad: [(Result<ClientResponse, ClientError>, String)] = [
        (response(""), "an empty answer"), (response("---\n"), "an empty answer"),
        (response("{\"kind\": "), ""), (response("<html>no</html>"), ""),
        (response("apiVersion: v1\nkind: PodList\n"), "items: missing"),
        (response(podJSON("a").replacing("image", with: "imagee")), "did you mean"),
        (response("", status: 304), "304"), (response("no", status: 404), "HTTP 404 Not Found; look at the path"),
        (response("no", status: 401), "look at the token"), (response("no", status: 500), "HTTP 500"),
        (response("", status: 302, ["Location": "https://other/\u{7}"]), "a redirect (302) to https://other/?"),
        (response(podJSON("b"), status: 203), "HTTP 203"),
        (response("apiVersion: v1\nkind: List\nitems: []\n", hasLength: false), "cut off"),
        (.failure(ClientError(.timeOut, "too slow")), "too slow"),
    ]

    @Test mutating func nothingButAWholeReadableAnswerChangesWhatIsWanted() {
        #expect(take(Self.response(podJSON("a"))))
        for (answer, words) in Self.bad {
            #expect(!take(answer))
            #expect(names() == ["a"])
            #expect(problems().first?.contains(words) == true, "\(problems()) \(words)")
            #expect(problems().first?.hasPrefix("https://pods.example/v1?…:") == true, "\(problems())")
            guard case .unchanged = answers.take(answer) else {
                Issue.record("the same problem is told twice")
                continue
            }
            guard case .problem = answers.take(Self.response(podJSON("a"))) else {
                Issue.record("the problem's end is not told")
                continue
            }
            #expect(problems() == [])
        }
    }

    @Test mutating func aPlaceInTheBodyIsNamed() {
        _ = answers.take(Self.response("apiVersion: v1\nkind: Pod\nmetadata:\n  nam: x\nspec: {}\n"))
        #expect(problems().first?.hasPrefix("https://pods.example/v1?…:4:3: ") == true, "\(problems())")
    }

    @Test mutating func anExplicitEmptyListRemovesAllPods() {
        for items in ["[]", "null"] {
            #expect(take(Self.response(podJSON("a"))))
            #expect(take(Self.response(#"{"apiVersion":"v1","kind":"PodList","items":\#(items)}"#)))
            #expect(names() == [])
        }
    }

    @Test mutating func theVersionOfTheLastGoodAnswerIsAskedFor() {
        #expect(answers.requestFields["If-None-Match"] == nil)
        #expect(take(Self.response(podJSON("a"), ["ETag": "W/\"1\""])))
        #expect(answers.requestFields["If-None-Match"] == "W/\"1\"")
        guard case .unchanged = answers.take(Self.response("", status: 304)) else {
            Issue.record("304 changes something")
            return
        }
        #expect(!take(Self.response("garbage", ["ETag": "\"2\""])))
        #expect(answers.requestFields["If-None-Match"] == "W/\"1\"", "not that of an answer that was not used")
    }

    @Test mutating func theSameBytesAreNoChange() {
        #expect(take(Self.response(podJSON("a"))))
        guard case .unchanged = answers.take(Self.response(podJSON("a"))) else {
            Issue.record("the same bytes are a change")
            return
        }
    }

    @Test mutating func whatWasKeptIsGoneOnWith() throws {
        let body = Array(podJSON("a").utf8)
        let saved = SavedAnswer(url: URLAnswers.identity(url), entityTag: "\"7\"", body: body)
        let read = try SavedAnswer(saved.bytes)
        #expect(read == saved)
        let contents = try ManifestReader.read(body, path: "x")
        answers = URLAnswers(url, contents: contents, saved: read)
        #expect(names() == ["a"] && answers.requestFields["If-None-Match"] == "\"7\"")
        // Of another URL the pods stay until this one answers, and its version means nothing here.
        answers = URLAnswers(try HTTPURL("https://other/"), contents: contents, saved: read)
        #expect(names() == ["a"] && answers.requestFields["If-None-Match"] == nil)
        #expect(throws: JSONError.self) { try SavedAnswer(Array("{\"schema\":2,\"url\":\"x\"}\nbody".utf8)) }
        #expect(throws: JSONError.self) { try SavedAnswer(Array("{\"schema\":1,\"url\":\"x\"}".utf8)) }
        #expect(throws: JSONError.self) { try SavedAnswer([]) }
    }

    @Test mutating func aSecretOfAnAnswerIsNeverKeptAndAskedForAnew() throws {
        let secret = #"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"p":"hunter2"}}"#
        let map = #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"k":"v"}}"#
        let list = #"{"apiVersion":"v1","kind":"List","items":[\#(podJSON("a")),\#(secret),\#(map)]}"#
        let response = Self.response(list, ["ETag": "\"1\""])
        guard case .good(let contents, let answer) = answers.take(response) else {
            Issue.record("not taken")
            return
        }
        #expect(contents.objects.count == 2)
        let kept = answer.withoutSecrets(contents)
        #expect(!String(decoding: kept.bytes, as: UTF8.self).contains("hunter2"))
        answers.accept(contents, answer)
        #expect(answers.requestFields["If-None-Match"] == "\"1\"", "this agent has all of it")
        // The next agent goes on with the rest, and asks for all of it.
        let read = try SavedAnswer(kept.bytes)
        let rest = try ManifestReader.read(read.body, path: "x")
        #expect(rest.pods.map(\.value) == contents.pods.map(\.value) && rest.objects.map(\.key.name) == ["m"])
        answers = URLAnswers(url, contents: rest, saved: read)
        #expect(names() == ["a"] && answers.requestFields["If-None-Match"] == nil)
        #expect(take(response), "the same answer is news to it")
    }
}
