import JSON

/// What an image is built for, in Go's words: `linux`, `amd64`, `v3`.
public struct ImagePlatform: Hashable, Sendable, CustomStringConvertible {
    public var os: String
    public var architecture: String
    /// Empty when the image names none.
    public var variant: String
    /// Features that the host must have; we offer none.
    public var osFeatures: [String]

    public init(os: String, architecture: String, variant: String = "", osFeatures: [String] = []) {
        self.os = os
        self.architecture = architecture
        self.variant = variant
        self.osFeatures = osFeatures
    }

    /// Reads a descriptor's `platform`.
    public init(_ value: JSONValue) throws(JSONError) {
        os = try value.optionalString("os") ?? ""
        architecture = try value.optionalString("architecture") ?? ""
        variant = try value.optionalString("variant") ?? ""
        osFeatures = try value.optionalStrings("os.features") ?? []
    }

    /// `linux/amd64`, `linux/arm64/v8`.
    public var description: String { "\(os)/\(architecture)" + (variant.isEmpty ? "" : "/\(variant)") }

    /// The platform that this program was built for.
    public static var current: ImagePlatform {
        #if arch(x86_64)
            ImagePlatform(os: "linux", architecture: "amd64")
        #elseif arch(arm64)
            ImagePlatform(os: "linux", architecture: "arm64", variant: "v8")
        #else
            #error("name this processor as Go does")
        #endif
    }

    /// How well an image for this platform suits `host`: nil when it does not run there, else the higher the better.
    /// A variant must not be above the host's (no variant of amd64 is v1, of arm64 v8).
    public func suitability(for host: ImagePlatform) -> Int? {
        guard os == host.os, architecture == host.architecture, osFeatures.isEmpty else { return nil }
        guard let wanted = level, let offered = host.level, wanted <= offered else { return nil }
        return wanted
    }

    private var level: Int? {
        if variant.isEmpty { return architecture == "arm64" ? 8 : 1 }
        guard variant.hasPrefix("v"), let level = Int(variant.dropFirst()), (1...9).contains(level) else { return nil }
        return level
    }
}
