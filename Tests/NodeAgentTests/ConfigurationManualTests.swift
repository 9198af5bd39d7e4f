import TestSupport
import Testing

@testable import NodeAgent

/// docs/man/swiftlet-config.5, printed from the table of the configuration's fields.
@Suite struct ConfigurationManualTests {
    @Test func theManualPageIsThatOfTheTable() throws {
        #expect(try PrintedDocument.committed("docs/man/swiftlet-config.5", printed: Self.text) == Self.text)
    }

    @Test func groffHasNothingToSayOfIt() throws {
        #expect(try Roff.complaints(Self.text) ?? "" == "")
    }

    static var text: String {
        var text = """
            .\\" Printed from the table of fields (Sources/NodeAgent/Configuration) by a test: do not edit.
            .TH SWIFTLET-CONFIG 5 "" "Swiftlet" "File formats"
            .SH NAME
            swiftlet-config \\- the configuration of a Swiftlet node's agent
            .SH SYNOPSIS
            .I /etc/swiftlet/config.yaml
            .SH DESCRIPTION
            A KubeletConfiguration (kubelet.config.k8s.io/v1beta1) as YAML or JSON, of the fields that this node carries
            out, and some of Swiftlet's own. Any other field is an error with its line and column. The file is read when
            the agent starts and again on
            .BR "systemctl reload swiftletd" ;
            options of the agent's command line win over it.
            .B swiftlet config view \\-\\-effective
            shows what holds and where it comes from,
            .B swiftletd \\-\\-check
            reads the file and says what is wrong.
            .PP
            .EX
            apiVersion: kubelet.config.k8s.io/v1beta1
            kind: KubeletConfiguration
            podPidsLimit: 1000
            .EE
            .SH FIELDS

            """
        for field in ConfigurationField.all {
            text += ".TP\n.B \(Roff.escape(field.name))\n\(Roff.escape(field.meaning))\n"
            if !field.absence.isEmpty { text += "Default: \(Roff.escape(field.absence)).\n" }
            if field.needsRestart { text += "A change needs a restart of the agent; pods go on.\n" }
        }
        return text + """
            .SH URLS
            .B podsURL
            is asked every
            .BR httpCheckFrequency .
            Only a whole, readable answer changes what runs; whatever else happens, what was last good goes on. An empty
            list ends the pods of the URL.
            .PP
            .B statusURL
            gets the changes in order. What is not taken waits in
            .I /var/lib/swiftlet/state/status
            and is sent again.
            .PP
            .BR podsURLClient " and " statusURLClient
            have the fields
            .BR tokenFile ", " caFile ", " certFile ", " keyFile
            (absolute paths, read again when they change),
            .BR connectTimeout " (5s), " responseTimeout " (10s), " timeout " (30s) and " plainHTTPHost :
            the host that may be spoken with by http://, which otherwise goes to this machine only. Redirects are not
            followed.
            .PP
            .EX
            podsURL: https://fleet.example/nodes/edge\\-1/pods
            podsURLClient: {tokenFile: /etc/swiftlet/token, caFile: /etc/swiftlet/ca.pem}
            statusURL: https://fleet.example/nodes/edge\\-1/status
            .EE
            .SH SEE ALSO
            .BR swiftletd (8),
            .BR swiftlet (1)

            """
    }
}
