import Base
import CLinux
import CNITypes
import JSON

/// The plugin that gives out the addresses: found by the type in the `ipam` section, called with the same environment
/// and the whole configuration (section 4 of the specification).
struct IPAMDelegate: Sendable {
    /// Its name.
    let type: String
    private let environment: PluginEnvironment
    private let configuration: NetworkConfiguration

    /// Nil when the configuration has no `ipam` section, or one without type: the interface gets no addresses.
    ///
    /// - Parameter caller: the plugin that calls it, which cannot be its own delegate.
    /// - Throws: `CNIError` 7.
    init?(
        of configuration: NetworkConfiguration, _ environment: PluginEnvironment, caller: String
    ) throws(CNIError) {
        let section = "the ipam section of network \(configuration.name)"
        let name = try reading(section) { () throws(JSONError) -> String? in
            let root = JSONValue.object(configuration.raw)
            let ipam = try root.optional("ipam", "an object") { $0.objectValue.map { JSONValue.object($0) } }
            return try ipam?.optionalString("type")
        }
        guard let name, !name.isEmpty else { return nil }
        guard !name.contains("/"), !name.utf8.contains(0), name != ".", name != ".." else {
            throw CNIError(
                .invalidConfiguration, "\(section) cannot be used", details: "type: \"\(name)\" is no plugin's name")
        }
        guard name != caller else {
            throw CNIError(
                .invalidConfiguration, "\(section) cannot be used", details: "type: \(name) gives out no addresses")
        }
        type = name
        self.environment = environment
        self.configuration = configuration
    }

    /// - Throws: `CNIError`, the delegate's own where it gives one. What it has given out it has taken back then.
    func add() throws(CNIError) -> CNIResult {
        do {
            let output = try call(.add)
            do {
                return try CNIResult(json: try JSONParser.parse(output, limits: NetworkConfiguration.limits))
            } catch {
                throw CNIError(.undecodable, "the answer of the plugin \(type) is no result", details: "\(error)")
            }
        } catch {
            // As the specification asks for; the failure of ADD is what matters.
            try? delete()
            if let error = error as? CNIError { throw error }
            throw CNIError(.internalFailure, "\(error)")
        }
    }

    func delete() throws(CNIError) { _ = try call(.delete) }
    func check() throws(CNIError) { _ = try call(.check) }
    func status() throws(CNIError) { _ = try call(.status) }
    func collectGarbage() throws(CNIError) { _ = try call(.collectGarbage) }

    /// What it prints.
    private func call(_ command: PluginEnvironment.Command) throws(CNIError) -> [UInt8] {
        let path = try find()
        let variables = environment.assignments(command)
        let input = JSONWriter().bytes(.object(configuration.raw))
        if let plugin = MultiCall.plugins.first(where: { $0.name == type }), Self.isThisProgram(path) {
            // Started anew it would do just this.
            let outcome = PluginCall.run(plugin.init(), variables: variables) { () throws(SystemError) in input }
            return try read(outcome.output, status: outcome.exitCode)
        }
        do {
            let (exit, output) = try PluginProcess.run(path, variables: variables, input: input)
            return try read(output, status: exit.code)
        } catch let error as SystemError {
            throw CNIError(.inputOutput, "cannot run the plugin \(path)", details: "\(error)")
        } catch let error as CNIError {
            throw error
        } catch {
            throw CNIError(.internalFailure, "\(error)")
        }
    }

    private func read(_ output: [UInt8], status: Int32) throws(CNIError) -> [UInt8] {
        guard status != 0 else { return output }
        if let value = try? JSONParser.parse(output, limits: NetworkConfiguration.limits),
            let code = value["code"]?.integerValue.flatMap({ UInt32(exactly: $0) }), code != 0,
            let message = value["msg"]?.stringValue
        {
            throw CNIError(.init(rawValue: code), message, details: value["details"]?.stringValue ?? "")
        }
        throw CNIError(
            .internalFailure, "the plugin \(type) failed with status \(status)",
            details: output.isEmpty
                ? "it gave no reason" : "it printed \"\(String(decoding: output.prefix(500), as: UTF8.self))\"")
    }

    /// The first folder of CNI_PATH that has a file of the name.
    private func find() throws(CNIError) -> String {
        for folder in environment.path where folder.hasPrefix("/") {
            let path = Path.join(folder, type)
            var status = stat()
            if stat(path, &status) == 0, swl_is_regular(status.st_mode) { return path }
        }
        throw CNIError(
            .invalidEnvironment, "CNI_PATH has no plugin \(type)",
            details: "looked in \(environment.path.joined(separator: ":")); the ipam section of network "
                + "\(configuration.name) asks for it")
    }

    private static func isThisProgram(_ path: String) -> Bool {
        var found = stat()
        var own = stat()
        return stat(path, &found) == 0 && stat("/proc/self/exe", &own) == 0 && found.st_dev == own.st_dev
            && found.st_ino == own.st_ino
    }
}
