import Base
import Kube
import TestSupport
import Testing

@testable import PodSources

/// Secrets that systemd gives to the agent.
@Suite struct CredentialFolderTests {
    private func report(_ files: [String: String]) throws -> SourceReport {
        let folder = try TemporaryDirectory()
        for (name, text) in files { try Files.replace("\(folder.path)/\(name)", with: text.utf8, durable: false) }
        var found = SourceReport()
        let source = CredentialFolder(folder.path)
        source.onReport = { report in
            found.claims += report.claims
            found.problems += report.problems.map { problem in
                var problem = problem
                problem.path = Path.name(problem.path)
                return problem
            }
        }
        try withExtendedLifetime(source) { try source.start() }
        return found
    }

    @Test func credentialsOfOneNameAreOneSecretAndOthersAreNotTouched() throws {
        let report = try report([
            "pod-secret.default.db.password": "hidden\n", "pod-secret.default.db.tls.key": "key",
            "pod-secret.shop.db.password": "other", "token": "not ours",
        ])
        let secrets = report.claims.flatMap(\.contents.objects).map(\.object)
        #expect(report.problems == [] && secrets.map(\.key.description) == ["secret default/db", "secret shop/db"])
        #expect(secrets.first?.data == ["password": Array("hidden\n".utf8), "tls.key": Array("key".utf8)])
    }

    @Test func whatIsNoSecretIsToldWithItsNameAndWithoutItsValue() throws {
        let report = try report([
            "pod-secret.short": "hidden", "pod-secret.default.Upper.key": "hidden",
            "pod-secret.default.db.a b": "hidden",
            "pod-secret.default.good.key": "fine",
        ])
        #expect(report.claims.flatMap(\.contents.objects).map(\.key.name) == ["good"])
        let problems = report.problems.map { "\($0.path): \($0.message)" }
        #expect(problems.count == 3, "\(problems)")
        #expect(
            problems.contains(
                "pod-secret.short: a credential with the Secret of a pod is named "
                    + "pod-secret.NAMESPACE.NAME.KEY"))
        #expect(problems.contains { $0.hasPrefix("pod-secret.default.Upper: metadata.name: Invalid value") })
        #expect(problems.contains { $0.hasPrefix("pod-secret.default.db: data[a b]: Invalid value") })
        #expect(!problems.contains { $0.contains("hidden") || $0.contains("aGlkZGVu") })
    }

    @Test func aFolderThatCannotBeReadIsTold() throws {
        var found: SourceReport?
        let source = CredentialFolder("/no such folder")
        source.onReport = { found = $0 }
        try withExtendedLifetime(source) { try source.start() }
        #expect(found?.problems.count == 1 && found?.claims.isEmpty == true)
    }
}
