/// A system-call convention, by libseccomp's token.
public struct SeccompArchitecture: RawRepresentable, Sendable, Hashable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let amd64 = SeccompArchitecture(rawValue: 0xC000_003E)
    public static let x86 = SeccompArchitecture(rawValue: 0x4000_0003)
    public static let x32 = SeccompArchitecture(rawValue: 0x4000_003E)
    public static let arm64 = SeccompArchitecture(rawValue: 0xC000_00B7)
    public static let arm = SeccompArchitecture(rawValue: 0x4000_0028)

    #if arch(x86_64)
        public static let native = amd64
        /// The conventions that programs of this machine can use.
        public static let usable = [amd64, x86, x32]
        static let goName = "amd64"
    #elseif arch(arm64)
        public static let native = arm64
        public static let usable = [arm64, arm]
        static let goName = "arm64"
    #endif

    /// By profiles' name. Nil for another machine's.
    init?(name: String) {
        switch name {
        case "SCMP_ARCH_X86_64": self = .amd64
        case "SCMP_ARCH_X86": self = .x86
        case "SCMP_ARCH_X32": self = .x32
        case "SCMP_ARCH_AARCH64": self = .arm64
        case "SCMP_ARCH_ARM": self = .arm
        default: return nil
        }
    }
}
