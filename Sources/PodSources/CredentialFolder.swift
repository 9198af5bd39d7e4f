import Base
import CLinux
import JSON
import Kube

/// Secrets from the credentials that systemd gives to the agent (systemd.exec(5): `LoadCredentialEncrypted=`,
/// `SetCredential=` and others): files in a folder in memory that only the service can read.
///
/// A credential `pod-secret.NAMESPACE.NAME.KEY` is the value of one key of the Secret NAMESPACE/NAME, whose name has no
/// dots in it; of other credentials nothing is read. They are read when the agent starts and when it reads its
/// configuration again.
public final class CredentialFolder: PodSource {
    static let prefix = "pod-secret."
    /// More than systemd gives to a service.
    static let limit = 1 << 20

    private let path: String
    public var onReport: (SourceReport) -> Void = { _ in }

    /// - Parameter path: `$CREDENTIALS_DIRECTORY`.
    public init(_ path: String) { self.path = path }

    public func start() throws(SystemError) { refresh() }

    public func refresh() { onReport(read()) }

    public func stop() { onReport = { _ in } }

    /// What is there now.
    func read() -> SourceReport {
        var report = SourceReport()
        var secrets: [String: (metadata: JSONObject, data: JSONObject)] = [:]
        func problem(_ name: String, _ message: String) {
            report.problems.append(ManifestProblem(path: Path.join(path, name), message: message))
        }
        let names: [String]
        do throws(SystemError) {
            names = try Files.list(path).filter { $0.hasPrefix(Self.prefix) }.sorted()
        } catch {
            report.problems.append(ManifestProblem(path: path, message: "\(error)"))
            return report
        }
        for name in names {
            let parts = name.dropFirst(Self.prefix.count).split(
                separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else {
                problem(name, "a credential with the Secret of a pod is named pod-secret.NAMESPACE.NAME.KEY")
                continue
            }
            let id = "\(parts[0]).\(parts[1])"
            do throws(SystemError) {
                let value = try Files.read(Path.join(path, name), limit: Self.limit)
                if secrets[id] == nil {
                    var metadata = JSONObject()
                    metadata.append("name", .string(String(parts[1])))
                    metadata.append("namespace", .string(String(parts[0])))
                    secrets[id] = (metadata, JSONObject())
                }
                let text = String(decoding: Base64.encode(value), as: UTF8.self)
                secrets[id]?.data.append(String(parts[2]), .string(text))
            } catch {
                problem(name, "\(error)")
            }
        }
        for (id, parts) in secrets.sorted(by: { $0.key < $1.key }) {
            let manifest: JSONValue = [
                "apiVersion": "v1", "kind": "Secret", "metadata": .object(parts.metadata), "data": .object(parts.data),
            ]
            // In the words of a Secret that is written down, which name what is wrong with a namespace, name or key.
            do throws(PodDecodingError) {
                let secret = try ManifestReader.read(manifest, as: .secret)
                let place = Path.join(path, Self.prefix + id)
                report.claims.append(.init(place: place, contents: ManifestContents(objects: [secret])))
            } catch {
                for issue in error.issues { problem(Self.prefix + id, "\(issue.path): \(issue.message)") }
            }
        }
        return report
    }
}
