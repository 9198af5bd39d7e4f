import JSON

let userSuite = Suite("users", images: ["busybox.tar", "users.tar"], isOfKernel: true) {
    [
        Test("numeric users and groups are taken as they are, the group 0 without one") { node in
            try expectEqual(
                try node.runToEnd(
                    "uid", shellPod("uid", "id -u; id -g", container: "securityContext: {runAsUser: 4242}")),
                "4242\n0\n", "id")
            let both = "securityContext: {runAsUser: 4242, runAsGroup: 4343}"
            try expectEqual(
                try node.runToEnd("gid", shellPod("gid", "id -u; id -g", container: both)), "4242\n4343\n", "id")
        },
        Test("the pod's securityContext holds for containers that have none of their own") { node in
            try expectEqual(
                try node.runToEnd(
                    "inherit",
                    shellPod(
                        "inherit", "id -u; id -g", spec: "securityContext: {runAsUser: 1001, runAsGroup: 1002}")),
                "1001\n1002\n", "id")
        },
        Test("a user of the image's passwd has its groups and home") { node in
            let manifest = shellPod("app", "id -un; id -G; echo $HOME")
                .replacing("image: busybox", with: "image: example.org/tests/users:v1")
            try expectEqual(try node.runToEnd("app", manifest), "app\n1000 2000\n/home/app\n", "id")
        },
        Test("runAsNonRoot refuses root with the kubelet's words") { node in
            let extra = "securityContext: {runAsNonRoot: true}"
            try node.drop("nonroot.yaml", shellPod("nonroot", "id -u", container: extra))
            let pod = try node.wait("nonroot", "CreateContainerConfigError", seconds: 10) {
                $0.container()?.string("state.waiting.reason") == "CreateContainerConfigError"
            }
            try expectContains(
                pod.container()?.string("state.waiting.message") ?? "",
                "container has runAsNonRoot and image will run as root", "message")
            let zero = "securityContext: {runAsNonRoot: true, runAsUser: 0}"
            try node.drop("zero.yaml", shellPod("zero", "id -u", container: zero))
            let breaking = try node.wait("zero", "CreateContainerConfigError", seconds: 10) {
                $0.container()?.string("state.waiting.reason") == "CreateContainerConfigError"
            }
            try expectContains(
                breaking.container()?.string("state.waiting.message") ?? "",
                "container's runAsUser breaks non-root policy", "message")
        },
        Test("runAsNonRoot cannot check a name and says so") { node in
            let manifest = shellPod("byname", "id -u", container: "securityContext: {runAsNonRoot: true}")
                .replacing("image: busybox", with: "image: example.org/tests/users:v1")
            try node.drop("byname.yaml", manifest)
            let pod = try node.wait("byname", "CreateContainerConfigError", seconds: 10) {
                $0.container()?.string("state.waiting.reason") == "CreateContainerConfigError"
            }
            try expectContains(
                pod.container()?.string("state.waiting.message") ?? "",
                "image has non-numeric user (app), cannot verify user is non-root", "message")
        },
    ]
}
