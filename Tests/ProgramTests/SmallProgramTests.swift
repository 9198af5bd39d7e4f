import Base
import CLinux
import Testing

/// The release programs, where they have been built: SWIFTLET_BIN names their folder.
private let programs = getenv("SWIFTLET_BIN").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }

@Suite(.enabled(if: programs != nil, "SWIFTLET_BIN does not name release programs"))
struct SmallProgramTests {
    /// Words that each runtime has in its messages: the programs have no symbol tables.
    private static let marks = [
        "Dispatch": "BUG IN CLIENT OF LIBDISPATCH",
        "Foundation": "FoundationEssentials",
        "Concurrency": "SWIFT TASK CONTINUATION MISUSE",
    ]

    private func bytes(_ name: String) throws -> [UInt8] {
        try Files.read("\(try #require(programs))/\(name)", limit: 256 << 20)
    }

    private func contains(_ bytes: [UInt8], _ mark: String) -> Bool {
        let wanted = Array(mark.utf8)
        return bytes.withUnsafeBytes { bytes in
            wanted.withUnsafeBytes { wanted in
                guard let text = bytes.baseAddress, let part = wanted.baseAddress else { return false }
                return memmem(text, bytes.count, part, wanted.count) != nil
            }
        }
    }

    @Test(arguments: ["swiftlet-pod", "cni-plugins"])
    func theSmallProgramsLinkNoFoundationDispatchOrConcurrency(_ name: String) throws {
        let program = try bytes(name)
        for (runtime, mark) in Self.marks {
            #expect(!contains(program, mark), "\(name) contains \(runtime)")
        }
    }

    @Test func theMarksAreFoundWhereTheRuntimeIs() throws {
        let agent = try bytes("swiftletd")
        #expect(contains(agent, try #require(Self.marks["Concurrency"])), "the agent's actors need Concurrency")
        #expect(!contains(agent, try #require(Self.marks["Foundation"])))
    }

    @Test func theSupervisorIsFullyStatic() throws {
        // No PT_INTERP segment: nothing loads a dynamic linker.
        let program = try bytes("swiftlet-pod")
        #expect(!contains(program, "/ld-linux"), "swiftlet-pod asks for a dynamic linker")
    }

    @Test func theSwiftRuntimeIsLinkedIn() throws {
        for name in ["swiftletd", "swiftlet", "swiftlet-pod", "cni-plugins"] {
            #expect(!contains(try bytes(name), "libswiftCore.so"), "\(name) needs the toolchain's libraries")
        }
    }
}
