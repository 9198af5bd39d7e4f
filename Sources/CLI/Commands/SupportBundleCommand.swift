import Base
import CLinux

/// `support-bundle`: what is known of the node in one archive, without secrets, for who is asked for help.
enum SupportBundleCommand {
    static let command = Command(
        "support-bundle", "[FILE]", "gather what is known of the node in one archive, without secrets", count: 0...1,
        options: [
            Option("logs", value: "LINES", "of each container; 0 for none (default: 500)")
        ],
        details: """
            Writes swiftlet-support-NODE-TIME.tar.gz, or FILE: status, pods, events, manifests, configuration and metrics of
            the agent, the last lines of all containers, the agent's journal, and the machine's network, mounts and memory.

            Environment variables, headers, passwords in URLs, private keys, tokens, and what is named like a password are
            replaced by "(redacted)". A secret that nothing tells from other text can remain in logs: look before you pass
            it on. It works without the agent, too, with what there is then.
            """
    ) { (invocation, tool) throws(CLIError) in
        let lines = try invocation.number("logs", atLeast: 0) ?? 500
        let node = (try? Files.readText("/proc/sys/kernel/hostname")) ?? "node"
        let time = tool.now().rfc3339.replacing(":", with: "").replacing("-", with: "")
        let title = "swiftlet-support-\(node)-\(time)"
        let file = try CommandLineTool.absolutePath(invocation.arguments.first ?? title + ".tar.gz")
        guard let tar = Programs.find("tar"), Programs.find("gzip") != nil else {
            throw .failed("support-bundle needs the programs tar and gzip: apt install tar gzip")
        }
        let work = try temporaryFolder()
        defer { try? Files.removeTree(work) }
        let folder = Path.join(work, title)
        let output: OutputFile
        do throws(SystemError) {
            try Files.makeDirectories(folder, mode: 0o700)
            output = try OutputFile(file)
        } catch {
            throw .failed("cannot write \(file): \(error.errno)")
        }
        var bundle = SupportBundle(tool, folder: folder, logLines: lines)
        do throws(CLIError) { try bundle.gather() } catch {
            output.abandon()
            throw error
        }
        let said = Path.join(work, "tar")
        if let problem = Programs.run(
            tar, ["-cz", "-C", work, title], into: said, output: output.descriptor, within: .seconds(600))
        {
            output.abandon()
            let text = (try? Files.readText(said)) ?? ""
            throw .failed("cannot write \(file): tar: \(problem) \(Printable.line(text))")
        }
        do throws(SystemError) { try output.finish() } catch { throw .failed("cannot write \(file): \(error.errno)") }
        for line in bundle.missing { tool.say(Printable.line("left out: \(line)")) }
        tool.output.line("\(file): \(bundle.count) files")
        return 0
    }

    private static func temporaryFolder() throws(CLIError) -> String {
        let place = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((Path.join(place, "swiftlet-support-XXXXXX")).utf8CString)
        guard mkdtemp(&template) != nil else { throw .failed("cannot make a folder in \(place): \(Errno.current)") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
