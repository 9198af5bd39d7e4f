import Base
import CLinux
import CNetlink
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

    @Test func aHolderKeepsADescriptorOpenUntilItIsToldAndThenEnds() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe2(&ends, O_CLOEXEC) == 0)
        let reader = FileDescriptor(adopting: ends[0])
        let holder = swl_hold_open(ends[1], 1)
        try #require(holder >= 0)
        close(ends[1])
        var polled = pollfd(fd: reader.raw, events: Int16(POLLIN), revents: 0)
        #expect(poll(&polled, 1, 0) == 0, "somebody still has the other end")
        close(holder)
        // The end of the file, which comes when nobody has it any more.
        var byte: [UInt8] = [0]
        #expect(try reader.read(into: &byte) == 0)
    }
}
