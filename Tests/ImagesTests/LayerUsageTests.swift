import Base
import OCI
import Testing

@testable import Images

@Suite struct LayerUsageTests {
    private func image(_ id: String, _ layers: [String]) -> StoredImage {
        StoredImage(
            id: id, names: [], repoDigests: [], size: 0, imported: Timestamp(nanoseconds: 0), config: ImageConfig(),
            layerPaths: layers)
    }

    @Test func aSharedLayerIsCountedOnceAndGoesWithItsLastImage() {
        let usage = LayerUsage(
            [image("a", ["base", "x"]), image("b", ["base", "y"])], sizes: ["base": 100, "x": 10, "y": 1, "left": 7])
        #expect(usage.bytes == 118 && usage.layers == 4)
        #expect(usage.bytesOnly(of: []) == 0)
        #expect(usage.bytesOnly(of: ["a"]) == 10 && usage.bytesOnly(of: ["b"]) == 1)
        #expect(usage.bytesOnly(of: ["a", "b"]) == 111)
    }
}
