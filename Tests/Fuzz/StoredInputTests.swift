import Base
import CLinux
import Testing

/// What libFuzzer starts from is read by the unit tests too: what once broke something does not break it again, also
/// where nobody fuzzes. One after the other: some share a store.
@Suite(.serialized) struct StoredInputTests {
    private static let corpus = Path.join(Path.parent(#filePath), "Corpus")

    @Test("the stored inputs of every target keep its promises", arguments: FuzzTarget.allCases)
    func replay(_ target: FuzzTarget) throws {
        // Layers are unpacked as root.
        if geteuid() != 0, target == .layer || target == .archive { return }
        let folder = Path.join(Self.corpus, target.rawValue)
        let names = try Files.list(folder)
        #expect(!names.isEmpty)
        for name in names { target.run(try Files.read(Path.join(folder, name), limit: 1 << 20)) }
    }
}
