import Base
import JSON
import Testing
import YAML

@testable import Kube

@Suite("Every field of v1 Pod stands in one class")
struct FieldTableTests {
    /// The types that a manifest reaches through supported fields.
    private static let reached: Set<String> = {
        var reached: Set<String> = []
        // The last comes by a way of its own, once the pod runs.
        var todo = ["Pod", "EphemeralContainer"]
        while let type = todo.popLast() {
            guard reached.insert(type).inserted else { continue }
            for field in PodSchema.shared.types[type] ?? [] {
                guard case .supported = FieldTable.classes[type]?(field.name) else { continue }
                if let next = ManifestFields.name(field.type) { todo.append(next) }
            }
        }
        return reached
    }()

    @Test("The schema is that of Kubernetes 1.36")
    func schema() {
        let types = PodSchema.shared.types
        #expect(types.count == 130)
        #expect(types.values.reduce(0) { $0 + $1.count } == 603)
        #expect(types["PodSpec"]?.count == 42)
        #expect(types["Container"]?.count == 25)
        #expect(types["Volume"]?.count == 31)
        #expect(PodSchema.shared.field("nodeSelector", of: "PodSpec")?.type == .map(.string))
        #expect(PodSchema.shared.field("containers", of: "PodSpec")?.type == .list(.object("Container")))
        #expect(PodSchema.shared.field("containers", of: "PodSpec")?.isRequired == true)
        for (type, fields) in types {
            for field in fields {
                guard let name = ManifestFields.name(field.type) else { continue }
                #expect(types[name] != nil, "\(type).\(field.name) is of the unknown type \(name)")
            }
        }
    }

    @Test("The generated table is that of the list it is generated from")
    func generated() throws {
        let list = #filePath.replacing(
            "Tests/KubeTests/FieldTableTests.swift", with: "Sources/Kube/Schema/kubernetes-1.36.tsv")
        let text = String(decoding: try Files.read(list, limit: 1 << 20), as: UTF8.self)
        let simple: [Substring: PodSchema.FieldType] = [
            "string": .string, "bool": .bool, "int32": .int32, "int64": .int64, "Quantity": .quantity, "Time": .time,
            "IntOrString": .integerOrString, "FieldsV1": .anything,
        ]
        func type(_ name: Substring) -> PodSchema.FieldType {
            name.hasPrefix("map<") ? .map(type(name.dropFirst(4).dropLast())) : simple[name] ?? .object(String(name))
        }
        var count = 0
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            let row = line.split(separator: "\t", omittingEmptySubsequences: false)
            let field = try #require(PodSchema.shared.field(String(row[1]), of: String(row[0])), "\(line)")
            #expect(field.type == (row.count > 3 && row[3] == "1" ? .list(type(row[2])) : type(row[2])), "\(line)")
            #expect(field.isRequired == (row.count > 4 && row[4] == "1"), "\(line)")
            count += 1
        }
        #expect(count == PodSchema.shared.types.values.reduce(0) { $0 + $1.count }, "run scripts/generate-schema")
    }

    @Test("Each field that a manifest can reach has exactly one class")
    func complete() {
        #expect(Set(FieldTable.classes.keys) == Self.reached)
        for (type, classes) in FieldTable.classes {
            let fields = Set((PodSchema.shared.types[type] ?? []).map(\.name))
            let listed = classes.supported + classes.withoutEffect.keys + classes.refused.keys
            #expect(fields == Set(listed), "\(type): \(fields.symmetricDifference(listed))")
            #expect(listed.count == Set(listed).count, "\(type) has a field in two classes")
            #expect(classes.unless.keys.allSatisfy { classes.refused[$0] != nil }, "\(type)")
        }
    }

    @Test("The few-valued fields exist and are strings")
    func values() {
        for name in FieldValues.table.keys {
            let parts = name.split(separator: ".").map(String.init)
            #expect(PodSchema.shared.field(parts[1], of: parts[0])?.type == .string, "\(name)")
        }
    }

    @Test("Notes are about fields that exist")
    func notes() {
        for name in FieldTable.notes.keys {
            let parts = name.split(separator: ".").map(String.init)
            #expect(PodSchema.shared.field(parts[1], of: parts[0]) != nil, "\(name)")
        }
    }

    @Test("What is carried for printing is what is without effect")
    func carried() {
        let spec = Set(FieldTable.classes["PodSpec"]?.withoutEffect.keys ?? [:].keys)
        #expect(PodSpec.carriedFields.union(["nodeName", "serviceAccountName"]) == spec)
        let security = FieldTable.classes["PodSecurityContext"]?.withoutEffect.keys
        #expect(PodSecurityContext.carriedFields == Set(security ?? [:].keys))
        #expect(Container.carriedFields == Set(FieldTable.classes["Container"]?.withoutEffect.keys ?? [:].keys))
    }

    @Test("Every supported field reaches the pod: without it another pod comes out, or none")
    func everySupportedFieldMatters() throws {
        let manifest = try yaml(completeManifest)
        let whole = try PodDecoder.decode(manifest).pod
        // Fields whose only value is also their default: with hostNetwork a hostPort is the containerPort.
        let constant: Set = [
            "ObjectFieldSelector.apiVersion", "ContainerPort.hostPort",
        ]
        var covered: Set<String> = []
        ManifestFields.visit(manifest, "Pod") { type, field, path in
            guard case .supported = FieldTable.classes[type]?(field) else { return }
            covered.insert("\(type).\(field)")
            if constant.contains("\(type).\(field)") { return }
            let less = try? PodDecoder.decode(ManifestFields.removing(path[...], from: manifest)).pod
            #expect(less != whole, "\(path) does not matter")
        }
        // `EphemeralContainerTests` looks after what no manifest has.
        let reached = FieldTable.classes.filter { $0.key != "EphemeralContainer" }
        let supported = reached.flatMap { type, classes in classes.supported.map { "\(type).\($0)" } }
        // These do not go with hostPID, hostNetwork or hostIPC.
        let others = [
            "PodSpec.shareProcessNamespace", "PodSpec.hostnameOverride", "PodSecurityContext.sysctls", "Sysctl.name",
            "Sysctl.value",
        ]
        #expect(covered.union(others) == Set(supported))
        #expect(try decode(pod(spec: "shareProcessNamespace: true,")).pod.spec.shareProcessNamespace)
        #expect(try decode(pod(spec: "hostnameOverride: a.b,")).pod.spec.hostnameOverride == "a.b")
        let sysctls = try decode(pod(spec: "securityContext: {sysctls: [{name: net.ipv4.tcp_rmem, value: '1 2 3'}]},"))
        #expect(
            sysctls.pod.spec.securityContext.sysctls == [Sysctl(name: "net.ipv4.tcp_rmem", value: "1 2 3")])
    }
}
