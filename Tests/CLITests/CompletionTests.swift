import Base
import CLinux
import NodeAPITestSupport
import TestSupport
import Testing

@testable import CLI

@Suite struct CompletionTests {
    static func candidates(_ line: String) -> [String] {
        Completion(
            commands: CommandLineTool.commands, pods: { $0 == "other" ? ["far"] : ["web", "db"] },
            containers: { pod, _ in pod == "web" ? ["main", "side"] : [] }
        ).candidates(line.split(separator: " ", omittingEmptySubsequences: false).map(String.init))
    }

    @Test(arguments: [
        ("ge", ["get"]),
        ("image ", ["load", "pull", "ls", "rm", "inspect", "prune", "df", "history", "verify", "save", "import"]),
        ("get ", ["pods", "configmaps", "secrets", "pv", "pvc", "events", "images", "volumes"]),
        ("get po", ["pods"]), ("get pods ", ["web", "db"]), ("get pods -n other ", ["far"]),
        ("get pods --namespace=other f", ["far"]), ("get pods -o j", ["json", "jsonpath="]),
        ("describe ", ["pod", "pod/web", "pod/db"]), ("describe pod w", ["web"]), ("logs ", ["web", "db"]),
        ("logs web -c ", ["main", "side"]), ("logs web s", ["side"]), ("exec -it w", ["web"]),
        ("exec web -- w", []), ("logs --ta", ["--tail"]), ("logs -f w", ["web"]), ("logs --tail ", []),
        ("--root /x stat", ["status"]), ("wait pod/web --for ", ["condition=Ready", "delete", "create", "jsonpath="]),
        ("apply -f ", []), ("nonsense ", []), ("completion z", ["zsh"]), ("stop web d", ["db"]),
    ]) func whatCanComeNextIsOffered(line: String, wanted: [String]) {
        #expect(Self.candidates(line) == wanted)
    }

    @Test func everyCommandIsOfferedOnce() {
        let offered = Self.candidates("")
        #expect(Set(offered).count == offered.count)
        for command in CommandLineTool.commands {
            #expect(offered.contains(String(command.name.split(separator: " ")[0])))
        }
    }

    @Test func namesOfPodsComeFromTheAgent() throws {
        let node = try BackgroundNode(CommandTests.fill)
        defer { node.stop() }
        #expect(run("__complete logs w", root: node.folder.path).output == "web-node\n")
        #expect(run("__complete --root /no/such logs w", root: node.folder.path).code == 0)
    }

    /// The scripts run in real shells, where they are; a fake program records what it is asked.
    @Test(arguments: ["bash", "zsh", "fish"]) func theScriptsAreTheShells(shell: String) throws {
        let script = run("completion \(shell)", root: "").output
        #expect(script.contains("__complete"))
        guard access("/usr/bin/\(shell)", X_OK) == 0 else { return }
        let folder = try TemporaryDirectory()
        let file = try folder.write("script", script)
        #expect(try outputOf("/usr/bin/\(shell)", ["-n", file]) == "")
    }

    @Test(.enabled(if: access("/bin/bash", X_OK) == 0)) func bashOffersWhatTheProgramSays() throws {
        let folder = try TemporaryDirectory()
        let script = try folder.write("script", run("completion bash", root: "").output)
        let program = try folder.write("swiftlet", "#!/bin/sh\necho \"$#:$3:$4\"\n")
        #expect(chmod(program, 0o755) == 0)
        let test = """
            source \(script); COMP_WORDS=(\(program) logs web ''); COMP_CWORD=3; _swiftlet; echo "${COMPREPLY[@]}"
            """
        #expect(try outputOf("/bin/bash", ["-c", test]) == "4:web:\n")
    }

    @Test func anUnknownShellIsRefused() { #expect(run("completion tcsh", root: "").code == 2) }
}
