import Kube
import Testing

@Suite("AppArmor profiles are read and refused as Kubernetes does")
struct AppArmorTests {
    private static let prefix = "container.apparmor.security.beta.kubernetes.io/"

    /// A pod whose container `c` has the annotation.
    private static func annotated(_ value: String, spec: String = "", container: String = "", name: String = "c")
        -> String
    {
        "{apiVersion: v1, kind: Pod, metadata: {name: p,\nannotations: {\(prefix)\(name): '\(value)'}},\n"
            + "spec: {\(spec)containers: [{name: c, image: i\(container)}]}}"
    }

    @Test(
        "The annotation from before the field is the container's profile, beside a pod's that is another",
        arguments: [
            ("runtime/default", AppArmorProfile(type: .runtimeDefault)),
            ("unconfined", AppArmorProfile(type: .unconfined)),
            ("localhost/a/b", AppArmorProfile(type: .localhost, localhostProfile: "a/b")), ("", nil),
        ])
    func annotation(_ value: String, _ profile: AppArmorProfile?) throws {
        let pod = try decode(Self.annotated(value)).pod
        #expect(pod.spec.containers.first?.securityContext?.appArmorProfile == profile)
        #expect(pod.spec.needsAppArmor == (profile != nil && profile?.type != .unconfined))
        let other = "securityContext: {appArmorProfile: {type: Localhost, localhostProfile: x}}, "
        if profile == nil { return }
        let beside = try decode(Self.annotated(value, spec: other)).pod
        #expect(beside.spec.containers.first?.securityContext?.appArmorProfile == profile)
        #expect(try PodDecoder.decode(beside.json).pod == beside)
    }

    @Test("Of a pod and its containers any profile but Unconfined needs AppArmor")
    func needs() throws {
        let confined = "securityContext: {appArmorProfile: {type: RuntimeDefault}}"
        let open = "securityContext: {appArmorProfile: {type: Unconfined}}"
        #expect(try decode(pod(spec: confined + ",", container: open)).pod.spec.needsAppArmor)
        #expect(try decode(pod(spec: open + ",", container: confined)).pod.spec.needsAppArmor)
        #expect(try !decode(pod(spec: open + ",", container: open)).pod.spec.needsAppArmor)
        #expect(try !decode(pod()).pod.spec.needsAppArmor)
    }

    static let wrong: [(String, String)] = [
        (pod(container: profile("{}")), "type: Required value: type is required when appArmorProfile is set"),
        (
            pod(container: profile("{type: Complain}")),
            "type: Unsupported value: \"Complain\": supported values: \"Localhost\", \"RuntimeDefault\", \"Unconfined\""
        ),
        (
            pod(container: profile("{type: Localhost}")),
            "localhostProfile: Required value: must be set when AppArmor type is Localhost"
        ),
        (
            pod(spec: profile("{type: Localhost, localhostProfile: ''}") + ","),
            "localhostProfile: Required value: must be set when AppArmor type is Localhost"
        ),
        (
            pod(container: profile("{type: Localhost, localhostProfile: ' a'}")),
            "localhostProfile: Invalid value: \" a\": must not be padded with whitespace"
        ),
        (
            pod(container: profile("{type: Localhost, localhostProfile: \(String(repeating: "a", count: 4096))}")),
            "localhostProfile: Too long: may not be more than 4095 bytes"
        ),
        (
            pod(spec: profile("{type: Unconfined, localhostProfile: a}") + ","),
            "localhostProfile: Invalid value: \"a\": can only be set when AppArmor type is Localhost"
        ),
        (annotated("unconfined", name: "d"), "Invalid value: \"d\": container not found"),
        (annotated("docker"), "Invalid value: \"docker\": invalid AppArmor profile name: \"docker\""),
        (annotated("localhost/"), "Invalid value: \"localhost/\": invalid AppArmor profile name: \"localhost/\""),
        (annotated("localhost/a "), "Invalid value: \"localhost/a \": must not be padded with whitespace"),
        (
            annotated("unconfined", container: ", " + profile("{type: RuntimeDefault}")),
            "type: Forbidden: apparmor type in annotation and field must match"
        ),
        (
            annotated("localhost/a", container: ", " + profile("{type: Localhost, localhostProfile: b}")),
            "localhostProfile: Forbidden: apparmor profile in annotation and field must match"
        ),
    ]

    private static func profile(_ profile: String) -> String { "securityContext: {appArmorProfile: \(profile)}" }

    @Test("What cannot be meant is refused", arguments: wrong)
    func refused(_ manifest: String, _ message: String) throws {
        let error = #expect(throws: PodDecodingError.self) { try decode(manifest) }
        #expect(error?.issues.count == 1)
        #expect(error?.issues.first?.description.hasSuffix(message) == true, "\(error?.issues ?? [])")
    }
}
