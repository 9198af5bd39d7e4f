import Base
import CLinux
import HTTP

/// The logs of several containers at once, each line whole.
struct LogSources {
    private struct Source {
        var client: AgentClient
        /// What stands before each line; empty for nothing.
        var prefix: [UInt8]
        /// The beginning of a line whose end has not come.
        var rest: [UInt8] = []
        var name: String
    }

    /// Connections that the agent can be expected to have for us beside those of others.
    static let most = 32

    private var sources: [Source] = []
    let tool: Tool

    init(_ tool: Tool) { self.tool = tool }

    /// Asks for a log. Nothing is printed before `print`.
    ///
    /// - Parameter name: `pod/web/main`, for messages and the prefix.
    mutating func add(_ name: String, _ target: RequestTarget, hasPrefix: Bool) throws(CLIError) {
        guard sources.count < Self.most else {
            throw .failed("these are more than \(Self.most) logs to follow at once; choose fewer")
        }
        let client = try tool.agent()
        try client.begin("GET", target)
        let prefix = hasPrefix ? Array("[\(Printable.line(name))] ".utf8) : []
        sources.append(Source(client: client, prefix: prefix, name: name))
    }

    /// Prints all logs to their end: one after the other, or, with `sideBySide`, each line as it comes.
    ///
    /// - Returns: false when one could not be read; why was said.
    mutating func print(sideBySide: Bool) throws(CLIError) -> Bool {
        var isFine = true
        while !sources.isEmpty {
            let ready = sideBySide ? readable() : [0]
            for index in ready.reversed() {
                do throws(CLIError) {
                    if try !take(index) { end(index) }
                } catch {
                    guard error.code == .failed else { throw error }
                    isFine = false
                    tool.output.flush()
                    tool.say("error: \(sources[index].name): \(Printable.text(error.message))")
                    end(index)
                }
            }
            tool.output.flush()
        }
        return isFine
    }

    /// The sources that have something to say; waits for it.
    private func readable() -> [Int] {
        var polled = sources.map { pollfd(fd: $0.client.descriptor, events: Int16(POLLIN), revents: 0) }
        guard poll(&polled, nfds_t(polled.count), -1) > 0 else { return [] }
        return polled.indices.filter { polled[$0].revents != 0 }
    }

    /// Takes what has come; false at the end.
    private mutating func take(_ index: Int) throws(CLIError) -> Bool {
        var received: [UInt8] = []
        let goesOn = try sources[index].client.take { received += $0 }
        let isOnlyOne = sources.count == 1 && sources[index].prefix.isEmpty && sources[index].rest.isEmpty
        if isOnlyOne {
            // Nobody interferes: also what has no line end yet is shown.
            tool.output.put(received)
        } else {
            put(received, index)
        }
        return goesOn
    }

    private mutating func put(_ bytes: [UInt8], _ index: Int) {
        sources[index].rest += bytes
        while let end = sources[index].rest.firstIndex(of: 0x0A) {
            tool.output.put(sources[index].prefix)
            tool.output.put(sources[index].rest[...end])
            sources[index].rest.removeSubrange(...end)
        }
    }

    private mutating func end(_ index: Int) {
        if !sources[index].rest.isEmpty { put([0x0A], index) }
        sources.remove(at: index)
    }
}
