import JSON

/// The YAML of a pod with this spec. Pods of tests end within a second.
func podManifest(_ name: String, _ spec: String, metadata: String = "") -> String {
    var text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: \(name)\n"
    if !metadata.isEmpty { text += indented(metadata, 2) + "\n" }
    text += "spec:\n"
    if !spec.contains("terminationGracePeriodSeconds:") { text += "  terminationGracePeriodSeconds: 1\n" }
    return text + indented(spec, 2) + "\n"
}

/// A pod of one container that runs a shell script on loopback.
func shellPod(
    _ name: String, _ script: String, container extra: String = "", spec: String = "", restart: String = "Never"
) -> String {
    podManifest(name, "restartPolicy: \(restart)\n\(spec)\ncontainers:\n" + shellContainer("main", script, extra))
}

/// A container entry that runs a shell script. `extra` are further lines of it. Kubernetes reads `$$` as `$` in
/// commands, so that the script arrives as it is written here.
func shellContainer(_ name: String, _ script: String, _ extra: String = "", image: String = "busybox") -> String {
    let quoted = JSONWriter().text(.string(script.replacing("$", with: "$$")))
    var text = "- name: \(name)\n  image: \(image)\n  imagePullPolicy: IfNotPresent\n"
    text += "  command: [\"/bin/sh\", \"-c\", \(quoted)]\n"
    if !extra.isEmpty { text += indented(extra, 2) + "\n" }
    return text
}

/// A script that waits until it is asked to stop.
let hold = "trap 'exit 0' TERM; while true; do sleep 3600 & wait $!; done"

private func indented(_ text: String, _ spaces: Int) -> String {
    let prefix = String(repeating: " ", count: spaces)
    return text.split(separator: "\n").map { prefix + $0 }.joined(separator: "\n")
}
