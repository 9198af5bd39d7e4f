/// FNV-1a of 64 bits: short names that follow from what they name, the same in every process. Nothing hangs on it being hard
/// to invert.
enum StableHash {
    static func of(_ bytes: some Sequence<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
