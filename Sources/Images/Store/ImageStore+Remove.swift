import Base
import CLinux
import OCI

extension ImageStore {
    /// What `remove` did.
    public struct Removal: Hashable, Sendable {
        /// Names taken from images.
        public var untagged: [String] = []
        /// Ids of images that are gone.
        public var deleted: [String] = []
    }

    /// Takes the name `reference` away, and the image itself when that was its last name or `reference` is its id.
    /// Layers that other images, `layersInUse` or a running import need stay; the rest goes into the trash.
    ///
    /// - Parameter layersInUse: `layerPaths` of running containers. Their layers stay until a later `sweep` that does
    ///   not list them.
    /// - Parameter emptiesTrash: the content is deleted before this returns, which may take seconds. Else `emptyTrash`
    ///   is to be called.
    /// - Throws: `ImageError` with `notFound`, `invalidReference` or `storage`.
    @discardableResult
    public func remove(_ reference: String, layersInUse: Set<String>, emptiesTrash: Bool = true) throws(ImageError)
        -> Removal
    {
        let removal = try locked { () throws(ImageError) -> Removal in
            var index = try index()
            guard let at = try index.find(reference) else {
                throw ImageError(.notFound, "no image \"\(escaped(reference))\" in the store")
            }
            var removal = Removal()
            let image = index.images[at]
            if let name = try? ImageReference(parsing: reference).canonical, image.names.contains(name),
                image.names.count > 1
            {
                index.images[at].names.removeAll { $0 == name }
                removal.untagged = [name]
            } else {
                index.images.remove(at: at)
                removal.untagged = image.names
                removal.deleted = [image.id]
            }
            try discardUnreferenced(&index, layersInUse, isChanged: true)
            return removal
        }
        if emptiesTrash { try emptyTrash() }
        return removal
    }

    /// Clears what interrupted imports and removals left, and layers that no image has and `layersInUse` does not list.
    /// For the agent's start and after pods ended; what an import is doing right now is left alone.
    public func sweep(layersInUse: Set<String>) throws(ImageError) {
        try locked { () throws(ImageError) in
            var index = try index()
            try storage { () throws(SystemError) in
                _ = try Files.remove(Path.join(root, "index.json.new"))
                for name in try Files.list(ingestFolder) {
                    let path = Path.join(ingestFolder, name)
                    guard try !Self.isLocked(path) else { continue }
                    try discard(path)
                }
            }
            try discardUnreferenced(&index, layersInUse, isChanged: false)
        }
        try emptyTrash()
    }

    /// Every layer folder that is on the disk, also of images that were removed.
    public func allLayerPaths() throws(ImageError) -> [String] {
        try storage { () throws(SystemError) in try Files.list(layersFolder) }.map { Path.join(layersFolder, $0) }
    }

    /// Writes the index when it was changed, and moves what nothing in it needs into the trash.
    private func discardUnreferenced(
        _ index: inout StoreIndex, _ layersInUse: Set<String>, isChanged: Bool
    ) throws(ImageError) {
        let (layers, documents) = (index.layers, index.documents)
        func isWanted(_ name: String) -> Bool {
            // A damaged layer that was replaced is only there for those that stand on it.
            if let end = name.firstRange(of: Self.replaced)?.lowerBound {
                return layersInUse.contains(layerPath(String(name[..<end])))
            }
            return layers.contains(name) || layersInUse.contains(layerPath(name))
        }
        let unwanted = try storage { () throws(SystemError) in
            try Files.list(layersFolder).filter { !isWanted($0) }.map(layerPath)
                + Files.list(outlinesFolder).filter { !isWanted($0) }.map(outlinePath)
                + Files.list(documentsFolder).filter { !documents.contains($0) }.map(documentPath)
        }
        if unwanted.isEmpty, index.layerSizes.keys.allSatisfy(isWanted) {
            if isChanged { try write(index) }
            return
        }
        // A running import may rely on any layer: what is unwanted then waits for a later sweep.
        guard let holder = try layersHolder(LOCK_EX | LOCK_NB) else {
            if isChanged { try write(index) }
            return
        }
        defer { withExtendedLifetime(holder) {} }
        let before = index
        index.layerSizes = index.layerSizes.filter { isWanted($0.key) }
        index.brokenLayers = index.brokenLayers.filter(isWanted)
        if isChanged || index != before { try write(index) }
        try storage { () throws(SystemError) in for path in unwanted { try discard(path) } }
    }

    private static let replaced = ".replaced-"

    /// Makes room for a layer that takes the place of a damaged one. Containers may stand on that until a sweep.
    func setAside(_ name: String) throws(SystemError) {
        let path = layerPath(name)
        let target = path + Self.replaced + (try Self.randomName())
        try retrying("rename", path) { rename(path, target) }
    }

    /// Keeps layers from being discarded (LOCK_SH) or others from relying on them (LOCK_EX) while the result lives; nil
    /// when LOCK_NB was given and somebody holds it otherwise.
    func layersHolder(_ operation: Int32) throws(ImageError) -> SharedDescriptor? {
        try storage { () throws(SystemError) in
            let folder = try FileDescriptor.open(layersFolder, O_RDONLY | O_DIRECTORY)
            let raw = folder.raw
            do throws(SystemError) {
                try retrying("lock", layersFolder) { flock(raw, operation) }
            } catch  where error.errno == .again {
                return nil
            }
            return SharedDescriptor(folder)
        }
    }

    /// Moves a folder of the store into the trash: at once, however big it is.
    func discard(_ path: String) throws(SystemError) {
        let target = Path.join(trashFolder, try Self.randomName())
        try retrying("rename", path) { rename(path, target) }
    }

    /// Deletes what is in the trash, one process at a time, without holding the store's lock.
    public func emptyTrash() throws(ImageError) {
        try storage { () throws(SystemError) in
            let folder = try FileDescriptor.open(trashFolder, O_RDONLY | O_DIRECTORY)
            let raw = folder.raw
            try retrying("lock", trashFolder) { flock(raw, LOCK_EX) }
            defer { _ = flock(raw, LOCK_UN) }
            for name in try Files.list(trashFolder) { try Files.removeTree(Path.join(trashFolder, name)) }
        }
    }

    /// Whether a living import holds the folder.
    private static func isLocked(_ path: String) throws(SystemError) -> Bool {
        let folder = try FileDescriptor.open(path, O_RDONLY | O_NOFOLLOW)
        if flock(folder.raw, LOCK_EX | LOCK_NB) == 0 { return false }
        let error = Errno.current
        if error == .again { return true }
        throw SystemError("lock", path, error)
    }

    /// 16 random hexadecimal digits.
    static func randomName() throws(SystemError) -> String {
        var value: UInt64 = 0
        if swl_random(&value, MemoryLayout<UInt64>.size) < 0 { throw SystemError("getrandom", "a name") }
        let hex = String(value, radix: 16)
        return String(repeating: "0", count: 16 - hex.utf8.count) + hex
    }
}
