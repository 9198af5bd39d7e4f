import Base
import CLinux
import Compression
import Digest
import Images
import JSON
import OCI

/// A store in memory, and what must stay as it is around it.
private struct Laboratory {
    let folder: String
    let store: ImageStore
    let limits: ImageLimits

    init() {
        let place = Files.isDirectory("/dev/shm") ? "/dev/shm" : "/tmp"
        folder = "\(place)/swiftlet-fuzz-\(getpid())"
        var limits = ImageLimits()
        limits.expandedBytes = 4 << 20
        limits.ratioBase = 4 << 20
        self.limits = limits
        do {
            try Files.makeDirectories(folder, mode: 0o700)
            try Files.replace("\(folder)/canary", with: Array("alive".utf8), durable: false)
            store = try ImageStore(root: "\(folder)/store")
        } catch {
            preconditionFailure("no store to fuzz: \(error)")
        }
        _ = atexit { try? Files.removeTree(Laboratory.current.folder) }
    }

    static let current = Laboratory()

    /// Loads an archive: it becomes images that can be removed, or is refused as the image's fault; either way nothing
    /// stays, and nothing outside changes.
    func load(_ archive: [UInt8]) {
        let path = "\(folder)/archive"
        do {
            try Files.replace(path, with: archive, durable: false)
            do throws(ImageError) {
                let images = try store.importArchive(path, limits: limits)
                for layer in Set(images.flatMap(\.layerPaths)) { checkLayer(layer) }
                for image in try store.list() { try store.remove(image.id, layersInUse: []) }
            } catch {
                precondition(error.reason != .storage, "blamed on the machine: \(error)")
                precondition(error.message.utf8.allSatisfy { $0 >= 0x20 && $0 <= 0x7E }, "a message that is no text")
            }
            for place in ["layers", "ingest", "trash", "import"] {
                let left = try Files.list("\(folder)/store/\(place)")
                precondition(left.isEmpty, "left in \(place): \(left)")
            }
            let (canary, beside) = (try Files.readText("\(folder)/canary"), try Files.list(folder))
            precondition(canary == "alive" && beside.count == 3, "changed beside the store: \(beside)")
        } catch {
            preconditionFailure("\(error)")
        }
    }

    /// No layer has a block device 0:0, or an attribute that steers overlayfs other than our own.
    private func checkLayer(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { preconditionFailure("a layer without \(path)") }
        precondition(!swl_is_block(status.st_mode) || status.st_rdev != 0, "a block device 0:0 in a layer")
        for name in ["redirect", "metacopy", "origin", "whiteout"] {
            precondition(lgetxattr(path, "trusted.overlay.\(name)", nil, 0) < 0, "overlayfs is steered by \(name)")
        }
        guard swl_is_dir(status.st_mode) else { return }
        // A name of bytes that are no text cannot be passed on as one.
        for name in (try? Files.list(path)) ?? [] where Files.exists("\(path)/\(name)") {
            checkLayer("\(path)/\(name)")
        }
    }
}

/// A tar archive whose headers have right checksums, so that what is wrong gets past them.
func fuzzArchive(_ bytes: [UInt8]) {
    var bytes = bytes
    var at = 0
    while at + 512 <= bytes.count {
        if !bytes[at..<at + 512].allSatisfy({ $0 == 0 }) { TarBlock.seal(&bytes, at) }
        var size = 0
        for byte in bytes[at + 124..<at + 135] where (0x30...0x37).contains(byte) {
            size = size << 3 | Int(byte - 0x30)
        }
        at += 512 + min(size, bytes.count) / 512 * 512 + (size % 512 == 0 ? 0 : 512)
    }
    Laboratory.current.load(bytes)
}

/// A layer on top of another one. Each line of the input is an entry: the type, a mode, the path, a tab, and the target
/// of a link, the content of a file, or the records of an extended header (`key=value`, `;` between them).
func fuzzLayer(_ bytes: [UInt8]) {
    var layer: [UInt8] = []
    for line in bytes.split(separator: 0x0A) where line.count >= 2 {
        let type = line[line.startIndex]
        let mode = Int(line[line.startIndex + 1] & 0x0F) << 8 | 0o755
        let parts = line.dropFirst(2).split(separator: 0x09, maxSplits: 1, omittingEmptySubsequences: false)
        let rest = parts.count == 2 ? Array(parts[1]) : []
        var content = rest
        switch type {
        case UInt8(ascii: "x"), UInt8(ascii: "g"):
            content = rest.split(separator: UInt8(ascii: ";")).flatMap { TarBlock.record(Array($0)) }
        case UInt8(ascii: "1")...UInt8(ascii: "6"): content = []
        default: break
        }
        layer += TarBlock.entry(type, Array(parts[0]), mode: mode, link: rest, content: content)
    }
    layer += [UInt8](repeating: 0, count: 1024)
    Laboratory.current.load(TarBlock.archive([TarBlock.below, layer]))
}

/// The bytes of a tar archive.
private enum TarBlock {
    static let below: [UInt8] = {
        entry(UInt8(ascii: "5"), Array("dir".utf8), mode: 0o755) + entry(0x30, Array("dir/file".utf8), mode: 0o644)
            + entry(UInt8(ascii: "2"), Array("way".utf8), mode: 0o777, link: Array("../../..".utf8))
            + entry(UInt8(ascii: "2"), Array("dir/up".utf8), mode: 0o777, link: Array("/".utf8))
            + [UInt8](repeating: 0, count: 1024)
    }()

    static func seal(_ bytes: inout [UInt8], _ at: Int) {
        for i in at + 148..<at + 156 { bytes[i] = 0x20 }
        let sum = bytes[at..<at + 512].reduce(0) { $0 + Int($1) }
        for digit in 0..<6 { bytes[at + 148 + digit] = UInt8(0x30 + sum >> (15 - 3 * digit) & 7) }
        bytes[at + 154] = 0
    }

    static func entry(
        _ type: UInt8, _ path: [UInt8], mode: Int, link: [UInt8] = [], content: [UInt8] = []
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func octal(_ value: Int, _ at: Int, _ digits: Int) {
            for digit in 0..<digits { block[at + digit] = UInt8(0x30 + value >> (3 * (digits - 1 - digit)) & 7) }
        }
        block.replaceSubrange(0..<min(100, path.count), with: path.prefix(100))
        octal(mode & 0o7777, 100, 7)
        octal(content.count, 124, 11)
        block[156] = type
        block.replaceSubrange(157..<157 + min(100, link.count), with: link.prefix(100))
        block.replaceSubrange(257..<265, with: Array("ustar\u{0}00".utf8))
        // GNU's sparse map of a file that begins with a hole.
        if type == UInt8(ascii: "S") {
            octal(512, 386, 11)
            octal(content.count, 398, 11)
            octal(512 + content.count, 483, 11)
        }
        seal(&block, 0)
        return block + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    static func record(_ pair: [UInt8]) -> [UInt8] {
        var length = pair.count + 3
        while "\(length)".utf8.count + pair.count + 2 != length { length += 1 }
        return Array("\(length) ".utf8) + pair + [0x0A]
    }

    /// A docker archive of one image.
    static func archive(_ layers: [[UInt8]]) -> [UInt8] {
        let sums = layers.map { "sha256:" + ((try? StreamHasher.hex(.sha256, $0)) ?? "") }
        let names = layers.indices.map { "\($0).tar" }
        let config: JSONValue = [
            "os": "linux", "architecture": .string(ImagePlatform.current.architecture),
            "rootfs": ["type": "layers", "diff_ids": .strings(sums)],
        ]
        let manifest: JSONValue = [["Config": "config", "RepoTags": ["fuzz:1"], "Layers": .strings(names)]]
        var archive = entry(0x30, Array("config".utf8), mode: 0o644, content: JSONWriter().bytes(config))
        archive += entry(0x30, Array("manifest.json".utf8), mode: 0o644, content: JSONWriter().bytes(manifest))
        for (name, layer) in zip(names, layers) {
            archive += entry(0x30, Array(name.utf8), mode: 0o644, content: layer)
        }
        return archive + [UInt8](repeating: 0, count: 1024)
    }
}

func fuzzReference(_ bytes: [UInt8]) {
    guard let reference = try? ImageReference(parsing: String(decoding: bytes, as: UTF8.self)) else { return }
    let again = try? ImageReference(parsing: reference.canonical)
    precondition(again?.canonical == reference.canonical, "\(reference) changes when it is read again")
    precondition(!reference.name.utf8.contains(0x25) && !reference.repository.contains(".."), "a name that is a path")
}

/// The documents of images.
func fuzzDocument(_ bytes: [UInt8]) {
    guard let value = try? JSONParser.parse(bytes, limits: .init(bytes: 1 << 20, depth: 64)) else { return }
    let index = try? ImageIndex(value)
    let manifest = try? ImageManifest(value)
    precondition(index == nil || manifest == nil, "a document that means two things")
    for descriptor in (index?.manifests ?? []) + (manifest?.layers ?? []) {
        precondition(descriptor.size >= 0 && !descriptor.digest.hex.contains("/"), "a descriptor that is a path")
        _ = descriptor.platform?.suitability(for: .current)
    }
    guard let config = try? ImageConfig(value) else { return }
    precondition((try? ImageConfig(config.json)) == config, "a config changes when it is written again")
}

/// gzip, zstd and xz: what comes out does not depend on the pieces, and is bounded.
func fuzzCompressed(_ bytes: [UInt8]) {
    let format = CompressionFormat.sniff(bytes)
    _ = sameForAllPieces(bytes) { pieces in
        guard var decompressor = try? Decompressor(format) else { return nil as [UInt8]? }
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: pieces.count == 1 ? 4096 : 700)
        do {
            for piece in pieces {
                var rest = piece
                while true {
                    let (consumed, produced) = try rest.withUnsafeBytes { input in
                        try buffer.withUnsafeMutableBytes { try decompressor.process(input, into: $0) }
                    }
                    precondition(consumed <= rest.count && produced <= buffer.count, "more than there is")
                    out += buffer[..<produced]
                    // Where it is stopped may differ.
                    if out.count > 1 << 20 { return Array(out[..<(1 << 20)]) }
                    rest = rest.dropFirst(consumed)
                    if consumed == 0, produced == 0 { break }
                }
                if !rest.isEmpty { return nil }
            }
            try decompressor.finish()
        } catch {
            return nil
        }
        return out
    }
}
