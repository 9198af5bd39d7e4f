import Base
import CLinux
import Linux
import OCI
import Testing

@testable import Containers

/// Containers that really run. Each test is a process of its own in private namespaces.
@Suite(.enabled(if: canRunContainers, "needs root and busybox"))
struct ContainerTests {
    @Test func aProgramRunsAndItsExitStatusComesBack() async {
        await #expect(processExitsWith: .success) {
            let lab = try Laboratory()
            let ended = try lab.run(try lab.script("echo hello from $$; exit 7"))
            #expect(ended.error == nil)
            #expect(ended.output == "hello from 1\n")
            #expect(ended.exit?.code == 7)
            #expect(ended.user == ResolvedUser(uid: 0, gid: 0, groups: [0]))
        }
    }
}
