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

    private func program(_ name: String, contains mark: String) throws -> Bool {
        let bytes = try Files.read("\(try #require(programs))/\(name)", limit: 256 << 20)
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
        for (runtime, mark) in Self.marks {
            #expect(try !program(name, contains: mark), "\(name) contains \(runtime)")
        }
    }

    @Test func theMarksAreFoundWhereTheRuntimeIs() throws {
        #expect(
            try program("swiftletd", contains: try #require(Self.marks["Concurrency"])),
            "the agent's actors need Concurrency")
        #expect(try !program("swiftletd", contains: try #require(Self.marks["Foundation"])))
    }

    /// The supervisor for its memory, the plugins for the time that they take to start.
    @Test(arguments: ["swiftlet-pod", "cni-plugins"])
    func itIsFullyStatic(_ name: String) throws {
        // No PT_INTERP segment: nothing loads a dynamic linker.
        #expect(try !program(name, contains: "/ld-linux"), "\(name) asks for a dynamic linker")
    }

    @Test func theSwiftRuntimeIsLinkedIn() throws {
        for name in ["swiftletd", "swiftlet", "swiftlet-pod", "cni-plugins"] {
            #expect(try !program(name, contains: "libswiftCore.so"), "\(name) needs the toolchain's libraries")
        }
    }
}
