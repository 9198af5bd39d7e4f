import CNITypes
import JSON
import Netlink

/// The table of our plugins: `nftTable` of a configuration, so that several agents on a machine can each have their
/// own.
enum NftTableName {
    static let key = "nftTable"
    static let usual = "swiftlet_cni"

    /// - Throws: `CNIError` 7 for what `nft` would not take as a name.
    static func read(_ configuration: NetworkConfiguration) throws(CNIError) -> NftablesTable {
        let name: String
        do {
            name = try JSONValue.object(configuration.raw).optionalString(key) ?? usual
        } catch {
            throw CNIError(.invalidConfiguration, "the configuration is not valid", details: error.description)
        }
        func isLetter(_ c: UInt8) -> Bool { 0x41...0x5A ~= c || 0x61...0x7A ~= c || c == UInt8(ascii: "_") }
        guard let first = name.utf8.first, isLetter(first), name.utf8.count <= 128,
            name.utf8.allSatisfy({ isLetter($0) || 0x30...0x39 ~= $0 || $0 == UInt8(ascii: "-") })
        else {
            throw CNIError(
                .invalidConfiguration, "\(key) \"\(name)\" cannot be a table's name",
                details: "letters, digits, _ and - are allowed, first a letter or _; at most 128")
        }
        return NftablesTable(.inet, name)
    }
}
