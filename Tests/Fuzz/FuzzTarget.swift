import CLinux

/// A reader of bytes from outside, and what must hold of it for every input: it does not trap, it does not depend on
/// the pieces that the bytes come in, and what it understood is understood the same when it is written again.
///
/// A promise that does not hold traps: that is what libFuzzer looks for.
enum FuzzTarget: String, CaseIterable {
    case request
    case response
    case chunked
    case websocket
    case frame
    case json
    case archive
    case layer
    case reference
    case document
    case compressed
    case headers
    case registries
    case credentials

    func run(_ bytes: [UInt8]) {
        switch self {
        case .request: fuzzRequest(bytes)
        case .response: fuzzResponse(bytes)
        case .chunked: fuzzChunked(bytes)
        case .websocket: fuzzWebSocket(bytes)
        case .frame: fuzzFrame(bytes)
        case .json: fuzzJSON(bytes)
        case .archive: fuzzArchive(bytes)
        case .layer: fuzzLayer(bytes)
        case .reference: fuzzReference(bytes)
        case .document: fuzzDocument(bytes)
        case .compressed: fuzzCompressed(bytes)
        case .headers: fuzzHeaders(bytes)
        case .registries: fuzzRegistries(bytes)
        case .credentials: fuzzCredentials(bytes)
        }
    }

    /// By SWIFTLET_FUZZ_TARGET: the arguments are libFuzzer's.
    static let chosen: FuzzTarget = {
        let name = getenv("SWIFTLET_FUZZ_TARGET").map { String(cString: $0) } ?? ""
        guard let target = FuzzTarget(rawValue: name) else {
            let known = allCases.map(\.rawValue).joined(separator: ", ")
            preconditionFailure("SWIFTLET_FUZZ_TARGET is \"\(name)\", none of \(known)")
        }
        return target
    }()
}

/// The entry that libFuzzer calls.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    FuzzTarget.chosen.run(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}

/// The bytes at once, one by one, and in pieces of a few.
func inPieces(_ bytes: [UInt8]) -> [[ArraySlice<UInt8>]] {
    [bytes.count + 1, 1, 5].map { step in
        stride(from: 0, to: bytes.count, by: step).map { bytes[$0..<min($0 + step, bytes.count)] }
    }
}

/// What `read` makes of the bytes, which must be the same for all pieces.
func sameForAllPieces<Result: Equatable>(_ bytes: [UInt8], _ read: ([ArraySlice<UInt8>]) -> Result) -> Result {
    let results = inPieces(bytes).map(read)
    for result in results { precondition(result == results[0], "it depends on the pieces") }
    return results[0]
}
