/// How sessions travel over a connection that has switched protocols. It performs no input or output.
protocol SessionWire {
    /// The most bytes of output that go into one message.
    var partLimit: Int { get }
    /// What is sent before anything else.
    var greeting: [UInt8] { get }

    mutating func receive(_ bytes: [UInt8])
    /// What the client wants next; nil when more bytes must arrive.
    mutating func next() throws(SessionWireError) -> SessionSignal?

    /// What a session wrote, as it is sent; nothing when the client does not want it.
    func output(_ session: Int, _ stream: ExecClient.Stream, _ bytes: ArraySlice<UInt8>) -> [UInt8]
    /// The end of a session, as it is sent.
    func finished(_ session: Int, _ result: Result<Int32, NodeServiceError>) -> [UInt8]
    /// The last bytes of all, when all sessions have finished or the client went wrong.
    func end(_ error: SessionWireError?) -> [UInt8]
}

/// What a client wants of its sessions. Most connections carry one, number 0.
enum SessionSignal: Equatable {
    case input(session: Int, [UInt8])
    case endOfInput(session: Int)
    case resize(rows: UInt16, columns: UInt16)
    /// An answer of the protocol itself, to be sent back when there is room for it.
    case reply([UInt8])
    /// The client ends the connection.
    case close
}

/// Bytes of a client that its protocol does not know.
struct SessionWireError: Error, Equatable {
    /// 1002 for what breaks the protocol; WebSocket's codes also where it is not spoken.
    var code: UInt16 = 1002
    var message: String
}
