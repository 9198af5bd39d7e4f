import Base
import CLinux
import CNIRuntime
import CNITypes
import JSON

/// Runs CNI plugins, each a short-lived process, on the agent's loop.
@LoopActor
struct PluginRunner {
    let loop: EventLoop
    /// Begins them: its threads end with the agent.
    let pool: BlockingPool
    let log: Log
    /// Where plugins are looked for, in order; also their CNI_PATH.
    let folders: [String]
    /// How long one plugin may take: the kubelet's limit of a runtime operation.
    var patience = Nanoseconds.seconds(120)
    /// The latest that were begun.
    let processes = PluginProcesses()

    /// Runs a plugin to its end.
    ///
    /// - Returns: ADD's result; nil for other commands.
    /// - Throws: `CNIError`, the plugin's own or why it could not be run.
    func run(_ request: PluginRequest) async throws(CNIError) -> JSONValue? {
        guard let program = Self.find(request.type, in: folders) else {
            throw CNIError(
                .unavailable, "there is no plugin of this name in \(folders.joined(separator: ", "))",
                details: "install it in one of these folders")
        }
        let process = try await start(program, request)
        let end = await withCheckedContinuation { continuation in
            process.watch(on: loop, patience: patience) { continuation.resume(returning: $0) }
        }
        guard let end else {
            throw CNIError(.tryAgainLater, "it did not end within \(patience) and was killed")
        }
        if !end.complaint.isEmpty {
            let words = String(decoding: end.complaint.prefix(4096), as: UTF8.self)
            for line in words.split(whereSeparator: \.isNewline) { log.debug("plugin \(request.type): \(line)") }
        }
        return try request.answer(end.exit, output: end.output, complaint: end.complaint)
    }

    private nonisolated static func find(_ type: String, in folders: [String]) -> String? {
        for folder in folders {
            let path = Path.join(folder, type)
            var status = stat()
            if stat(path, &status) == 0, swl_is_regular(status.st_mode), access(path, X_OK) == 0 { return path }
        }
        return nil
    }

    /// Whether a plugin of this name would be ours.
    nonisolated static func isOurs(_ type: String, in folders: [String]) -> Bool {
        guard let path = find(type, in: folders), let real = realpath(path, nil) else { return false }
        defer { free(real) }
        return Path.name(String(cString: real)) == "cni-plugins"
    }

    /// A program that is being written (an upgrade) cannot be executed for a moment.
    private func start(_ program: String, _ request: PluginRequest) async throws(CNIError) -> PluginProcess {
        var attempts = 0
        while true {
            let failure: any Error
            do {
                let begun = try await pool.run { try PluginProcess.begin(program, request) }
                processes.add(begun.pid)
                return PluginProcess(begun)
            } catch {
                failure = error
            }
            attempts += 1
            guard (failure as? SystemError)?.errno == Errno(rawValue: ETXTBSY), attempts < 5 else {
                throw CNIError(.inputOutput, "it cannot be run", details: "\(failure)")
            }
            await loop.sleep(until: .now + .seconds(1))
        }
    }
}
