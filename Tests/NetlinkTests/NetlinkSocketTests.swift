import Base
import CLinux
import CMNL
import Linux
import Testing

@testable import Netlink

@Suite struct NetlinkSocketTests {
    private static func links(_ socket: inout NetlinkSocket) throws -> [String] {
        var names: [String] = []
        _ = try socket.dump(type: UInt16(RTM_GETLINK), header: ifinfomsg(), "list the links") { reply in
            let name = reply.attributes(after: MemoryLayout<ifinfomsg>.size)[IFLA_IFNAME]
            names.append(name?.text ?? "")
        }
        return names
    }

    @Test func dumpHandsOutEveryObject() throws {
        var socket = try NetlinkSocket(.route)
        #expect(try Self.links(&socket).contains("lo"))
        // A second request on the socket gets its own answers.
        #expect(try Self.links(&socket).contains("lo"))
    }

    @Test func refusalNamesTheFirstMessageThatFailedAndTheSocketGoesOn() throws {
        var socket = try NetlinkSocket(.route)
        var batch = NetlinkBatch()
        for name in ["swl-missing-1", "swl-missing-2"] {
            batch.append(type: UInt16(RTM_GETLINK), flags: [], header: ifinfomsg(), "find link \(name)") {
                $0.put(IFLA_IFNAME, name)
            }
        }
        #expect {
            try socket.perform(batch)
        } throws: { error in
            guard let error = error as? NetlinkError else { return false }
            return error.errno == Errno(rawValue: ENODEV) && error.index == 0
                && error.request == "find link swl-missing-1"
        }
        #expect(try Self.links(&socket).contains("lo"))
    }

    @Test func batchThatDoesNotFitIsRefusedBeforeItIsSent() throws {
        var socket = try NetlinkSocket(.route)
        var batch = NetlinkBatch(capacity: 64)
        batch.append(type: UInt16(RTM_GETLINK), flags: [], header: ifinfomsg(), "find a link") {
            $0.put(IFLA_IFNAME, String(repeating: "x", count: 100))
        }
        #expect(throws: NetlinkError.self) { try socket.perform(batch) }
    }

    @Test func attributesEndWhereTheyAreCutOff() {
        let whole: [UInt8] = [8, 0, 1, 0, 1, 2, 3, 4, 12, 0, 2, 0, 9]
        whole.withUnsafeBytes { bytes in
            let types = NetlinkAttributes(bytes: bytes).map(\.type)
            #expect(types == [1])
        }
    }
}
