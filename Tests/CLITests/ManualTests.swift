import Base
import CLinux
import TestSupport
import Testing

@testable import CLI

/// docs/man/swiftlet.1, printed from the table of commands.
@Suite struct ManualTests {
    @Test func theManualPageIsThatOfTheTable() throws {
        #expect(try PrintedDocument.committed("docs/man/swiftlet.1", printed: Self.text) == Self.text)
    }

    @Test func groffHasNothingToSayOfIt() throws {
        #expect(try Roff.complaints(Self.text) ?? "" == "")
    }

    static var text: String {
        var text = """
            .\\" Printed from the table of commands (Sources/CLI) by a test: do not edit.
            .TH SWIFTLET 1 "" "Swiftlet" "User commands"
            .SH NAME
            swiftlet \\- command line of a Swiftlet node
            .SH SYNOPSIS
            .B swiftlet
            .RI [ OPTIONS ]
            .I COMMAND
            .RI [ ARGUMENTS ]
            .SH DESCRIPTION
            .B swiftlet
            speaks with the agent of its machine,
            .BR swiftletd (8),
            over the agent's Unix socket.
            Verbs, columns and habits are those of
            .BR kubectl (1).
            Options stand anywhere before \\-\\-, with a space or = before the value; short ones can be put together.
            .SH COMMANDS

            """
        for command in CommandLineTool.commands {
            let arguments = command.arguments.isEmpty ? "" : " " + command.arguments
            text += ".SS \"\(Roff.escape(command.name + arguments).replacing("\"", with: "\\(dq"))\"\n"
            text += Roff.escape(command.summary.prefix(1).uppercased() + command.summary.dropFirst() + ".") + "\n"
            if !command.details.isEmpty {
                text +=
                    ".PP\n.nf\n"
                    + command.details.split(separator: "\n", omittingEmptySubsequences: false)
                    .map { Roff.escape(String($0)) + "\n" }.joined() + ".fi\n"
            }
            for option in command.options { text += Self.option(option) }
        }
        text += ".SH OPTIONS OF EVERY COMMAND\n" + Command.global.map(option).joined()
        return text + """
            .SH EXIT STATUS
            .TP
            .B 0
            Done.
            .TP
            .B 1
            Failed: no such pod, an invalid manifest, the agent refused, a wait was too long; of
            .BR diff :
            there is a difference.
            .TP
            .B 2
            The command line is wrong; of
            .BR diff :
            the texts could not be compared.
            .TP
            .B 3
            The agent does not answer, or went away.
            .PP
            .B exec
            passes on the program's own, 128 + the signal when one ended it.
            .SH ENVIRONMENT
            .TP
            .B SWIFTLET_ROOT
            The prefix that the agent was started with, as \\-\\-root.
            .TP
            .B NO_COLOR
            No colours, when it is set and not empty. There are none but on a terminal in any case.
            .SH FILES
            .TP
            .I /etc/podspecs
            The manifests, which apply and delete change.
            .TP
            .I /run/swiftlet/swiftlet.sock
            The agent's socket.
            .SH SEE ALSO
            .BR swiftletd (8),
            .BR swiftlet-config (5),
            .BR podspec (5)

            """
    }

    private static func option(_ option: Option) -> String {
        let short = option.short.map { "\\-\($0), " } ?? ""
        let value = option.value.map { " \\fI\(Roff.escape($0))\\fR" } ?? ""
        return ".TP\n\\fB\(short)\\-\\-\(Roff.escape(option.name))\\fR\(value)\n"
            + Roff.escape(option.summary.prefix(1).uppercased() + option.summary.dropFirst() + ".") + "\n"
    }
}
