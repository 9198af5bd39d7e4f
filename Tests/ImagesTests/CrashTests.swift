import Base
import CLinux
import TestSupport
import Testing

@testable import Images

@Suite("Killed imports", .enabled(if: isRoot, "needs root"))
struct CrashTests {
    /// Kills this process after a while.
    private static func dieAfter(microseconds: UInt32) {
        var thread = pthread_t()
        let argument = UnsafeMutableRawPointer(bitPattern: UInt(microseconds) + 1)
        let body: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
            _ = usleep(UInt32(UInt(bitPattern: $0) - 1))
            _ = kill(getpid(), SIGKILL)
            return nil
        }
        _ = pthread_create(&thread, nil, body, argument)
    }

    @Test("leave a store that a sweep makes whole again", arguments: 0..<12)
    func killed(_ round: Int) async throws {
        let fixture = try StoreFixture()
        let layers = (0..<2).map { n in
            TestLayer { tar in
                for k in 0..<300 { tar.file("folder\(n)/\(k % 7)/\(k)", "content \(k)") }
                tar.add(".wh.gone\(n)")
            }
        }
        let archive = ArchiveBuilder.oci([TestImage("x:1", layers)])
        let path = try fixture.folder.write("x.tar", archive)
        let root = fixture.store.root
        // From the very start to well after the end of an import.
        let delay = "\(round * round * 700)"
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, root = root as String, delay = delay as String] in
            CrashTests.dieAfter(microseconds: UInt32(delay) ?? 0)
            let store = try ImageStore(root: root)
            while true {
                _ = try store.importArchive(path)
                try store.remove("x:1", layersInUse: [])
            }
        }
        let store = try ImageStore(root: root)
        try store.sweep(layersInUse: [])
        #expect(try Files.list(root + "/ingest") == [])
        #expect(try Files.list(root + "/trash") == [])
        #expect(!Files.exists(root + "/index.json.new"))
        let images = try store.list()
        #expect(try Files.list(root + "/layers").count == images.reduce(0) { $0 + $1.layerPaths.count })
        for image in images {
            for layer in image.layerPaths { #expect(Files.isDirectory(layer)) }
        }
        // And it works on.
        let image = try store.importArchive(path)[0]
        #expect(try Files.readText(image.layerPaths[0] + "/folder1/5/299") == "content 299")
        #expect(try Files.readText(image.layerPaths[1] + "/folder0/5/299") == "content 299")
    }
}
