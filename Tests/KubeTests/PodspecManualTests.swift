import Base
import CLinux
import TestSupport
import Testing

@testable import Kube

/// docs/man/podspec.5, printed from the decoder's table as docs/pod-fields.md is.
@Suite struct PodspecManualTests {
    @Test func theManualPageIsThatOfTheTable() throws {
        #expect(try PrintedDocument.committed("docs/man/podspec.5", printed: Self.text) == Self.text)
    }

    static var text: String {
        var text = """
            .\\" Printed from the decoder's table (Sources/Kube/Schema) by a test: do not edit.
            .TH PODSPEC 5 "" "Swiftlet" "File formats"
            .SH NAME
            podspec \\- the fields of a Pod manifest that a Swiftlet node carries out
            .SH DESCRIPTION
            A manifest in
            .I /etc/podspecs
            is a Pod of Kubernetes' API v1, or a List of Pods, as YAML or JSON; a file may hold several documents.
            Each field stands in one of three classes.
            .TP
            .B supported
            Carried out.
            .TP
            .B without effect
            Accepted, and listed by
            .BR "swiftlet validate" ;
            it is a scheduler's or an API server's.
            .TP
            .B refused
            A manifest that sets it is refused with line, column and path, because what it asks for would not happen.

            """
        var type = ""
        for line in PodFieldsDocument.text.split(separator: "\n") {
            if line.hasPrefix("## ") {
                type = String(line.dropFirst(3))
                text += ".SH \(Roff.escape(type))\n"
            } else if !type.isEmpty, line.hasPrefix("| `") {
                let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                    Roff.escape($0.split(separator: " ").joined(separator: " ").replacing("`", with: ""))
                }
                guard cells.count >= 5 else { continue }
                text += ".TP\n\\fB\(cells[1])\\fR (\(cells[2])): \\fI\(cells[3])\\fR\n"
                let note = cells[4...].filter { !$0.isEmpty }.joined(separator: " | ")
                text += (note.isEmpty ? "\\&" : note) + "\n"
            }
        }
        return text + """
            .SH SEE ALSO
            .BR swiftlet (1),
            .BR swiftletd (8)

            """
    }
}
