import Base
import OCI

extension ImagePlatform {
    /// This machine, with the level of its processor: amd64 v1 to v4.
    public static let host: ImagePlatform = {
        var platform = ImagePlatform.current
        if platform.architecture == "amd64" {
            let text = (try? Files.readText("/proc/cpuinfo", limit: 16 << 20)) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("flags") } ?? ""
            platform.variant = "v\(level(of: Set(line.split(whereSeparator: { $0 == " " || $0 == "\t" }))))"
        }
        return platform
    }()

    /// The level of the x86-64 psABI that a processor with these flags of `/proc/cpuinfo` has.
    static func level(of flags: Set<Substring>) -> Int {
        let levels: [[Substring]] = [
            ["cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"],
            ["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"],
            ["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"],
        ]
        return 1 + levels.prefix { $0.allSatisfy(flags.contains) }.count
    }
}
