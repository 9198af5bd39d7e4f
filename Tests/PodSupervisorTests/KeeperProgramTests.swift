import Base
import Testing

@testable import PodSupervisor

@Suite struct KeeperProgramTests {
    @Test func itFindsItsUnitsCgroupAlsoOnAHybridHierarchy() throws {
        #expect(
            try KeeperProgram.ownPath("0::/swiftlet.slice/swiftlet-pods.service\n")
                == "swiftlet.slice/swiftlet-pods.service")
        #expect(try KeeperProgram.ownPath("4:memory:/x\n1:name=systemd:/y\n0::/z") == "z")
        #expect(throws: SystemError.self) { try KeeperProgram.ownPath("4:memory:/x\n") }
    }
}
