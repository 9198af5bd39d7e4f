import CNetlink

/// A register of the rule's program: a place among sixteen words of 4 bytes. A longer value takes the words that
/// follow too.
public struct NftablesRegister: Sendable, Hashable {
    /// 0 to 15.
    public var word: UInt32

    public init(word: UInt32) { self.word = word }

    public static let first = NftablesRegister(word: 0)

    /// The one `bytes` behind this.
    public func advanced(by bytes: Int) -> NftablesRegister {
        NftablesRegister(word: word + UInt32((bytes + 3) / 4))
    }

    /// `NFT_REG32_*`.
    var number: UInt32 { NFT_REG32_00.rawValue + word }

    /// Nil for the register of the verdict and for what is none.
    init?(number: UInt32) {
        switch number {
        // The older numbers of 16 bytes each.
        case NFT_REG_1.rawValue...NFT_REG_4.rawValue: word = (number - NFT_REG_1.rawValue) * 4
        case NFT_REG32_00.rawValue...NFT_REG32_15.rawValue: word = number - NFT_REG32_00.rawValue
        default: return nil
        }
    }
}
