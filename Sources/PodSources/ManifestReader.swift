import JSON
import Kube
import YAML

/// Makes pods, ConfigMaps and Secrets of the bytes of a manifest file: YAML (of which JSON is a part), one or many
/// documents, Lists.
public enum ManifestReader {
    /// Objects that one file may name.
    static let mostObjects = 1000

    /// - Parameters:
    ///   - path: the file, or the URL.
    ///   - isFile: for the words of messages.
    /// - Throws: `ManifestRefusal` with everything that is wrong and where. A file counts as a whole.
    public static func read(
        _ bytes: [UInt8], path: String, isFile: Bool = true
    ) throws(ManifestRefusal) -> ManifestContents {
        let documents: [JSONValue]
        do throws(YAMLError) {
            documents = try YAML.documents(bytes)
        } catch {
            throw ManifestRefusal([ManifestProblem(path: path, position: error.position, message: error.message)])
        }
        var contents = ManifestContents()
        var problems: [ManifestProblem] = []
        for document in documents where !document.isNull {
            do throws(PodDecodingError) {
                for object in try ManifestObjects.split(document) {
                    do throws(PodDecodingError) {
                        try contents.add(object)
                    } catch {
                        problems += Self.problems(error, path)
                    }
                }
            } catch {
                problems += Self.problems(error, path)
            }
            if problems.count >= PodDecoder.issueLimit { break }
        }
        let count = contents.pods.count + contents.objects.count
        if count > mostObjects {
            problems.append(ManifestProblem(path: path, message: "names \(count) objects, more than \(mostObjects)"))
        }
        problems += contents.duplicates.map { key, position in
            ManifestProblem(
                path: path, position: position, message: "\(key) stands here twice; rename or remove one")
        }
        if documents.allSatisfy(\.isNull), problems.isEmpty {
            problems.append(
                ManifestProblem(
                    path: path,
                    message: isFile
                        ? "holds no object; remove the file to remove its pods"
                        : "an empty answer; to end all pods answer a v1 PodList with \"items\": []"))
        }
        if !problems.isEmpty { throw ManifestRefusal(problems) }
        return contents
    }

    /// A pod of one object.
    ///
    /// - Throws: `PodDecodingError` with all that is wrong.
    public static func read(_ object: JSONValue) throws(PodDecodingError) -> ManifestPod {
        let decoded = try PodDecoder.decode(object)
        let metadata = decoded.pod.metadata
        return ManifestPod(
            key: PodKey(namespace: metadata.namespace, name: metadata.name), value: object, pod: decoded.pod,
            ineffective: decoded.withoutEffect.map(\.description))
    }

    /// A ConfigMap or Secret of one object.
    ///
    /// - Throws: `PodDecodingError` with all that is wrong.
    public static func read(
        _ object: JSONValue, as kind: DataObject.Kind
    ) throws(PodDecodingError) -> ManifestObject {
        let decoded = try DataObjectDecoder.decode(object, as: kind)
        return ManifestObject(
            value: object, object: decoded.object, ineffective: decoded.withoutEffect.map(\.description))
    }

    private static func problems(_ error: PodDecodingError, _ path: String) -> [ManifestProblem] {
        var problems = error.issues.map { issue in
            let field = issue.path.description
            return ManifestProblem(
                path: path, position: issue.position,
                message: field.isEmpty ? issue.message : "\(field): \(issue.message)")
        }
        if error.omitted > 0 {
            problems.append(ManifestProblem(path: path, message: "and \(error.omitted) more problems"))
        }
        return problems
    }
}

extension ManifestContents {
    fileprivate mutating func add(_ object: JSONValue) throws(PodDecodingError) {
        if let kind = DataObjectDecoder.kind(object) {
            objects.append(try ManifestReader.read(object, as: kind))
        } else {
            pods.append(try ManifestReader.read(object))
        }
    }

    /// What is named more than once, and where.
    fileprivate var duplicates: [(key: String, position: SourcePosition)] {
        var seen: Set<String> = []
        let all = pods.map { ("pod \($0.key)", $0.value.position) } + objects.map { ("\($0.key)", $0.value.position) }
        return all.filter { !seen.insert($0.0).inserted }
    }
}
