/// What the layers of images take on the disk, each counted once.
public struct LayerUsage: Sendable {
    private let sizes: [String: Int64]
    /// The images that stand on a layer, by its folder.
    private let images: [String: Set<String>]

    /// - Parameter sizes: bytes by folder; folders that are not listed count nothing.
    init(_ images: [StoredImage], sizes: [String: Int64]) {
        self.sizes = sizes
        var users: [String: Set<String>] = [:]
        for image in images { for layer in image.layerPaths { users[layer, default: []].insert(image.id) } }
        self.images = users
    }

    public var layers: Int { sizes.count }
    public var bytes: Int64 { sizes.values.reduce(0, +) }

    public func size(_ layer: String) -> Int64 { sizes[layer] ?? 0 }

    /// Bytes of layers that no other image needs.
    public func bytesOnly(of ids: Set<String>) -> Int64 {
        images.reduce(0) { $1.value.isSubset(of: ids) ? $0 + size($1.key) : $0 }
    }
}

extension ImageStore {
    /// What the images of the store take.
    public func usage() throws(ImageError) -> LayerUsage {
        let index = try index()
        let sizes = index.layerSizes.map { (layerPath($0.key), $0.value) }
        return LayerUsage(index.images.map(stored), sizes: Dictionary(sizes, uniquingKeysWith: { $1 }))
    }
}
