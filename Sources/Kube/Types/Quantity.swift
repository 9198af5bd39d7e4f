/// An amount of a resource, exact to the billionth: `500m`, `128Mi`, `1e3`.
public struct Quantity: Sendable {
    /// How the quantity is printed.
    public enum Format: Sendable, Hashable {
        /// `k M G T P E` and `m u n`: powers of 1000.
        case decimalSI
        /// `Ki Mi Gi Ti Pi Ei`: powers of 1024.
        case binarySI
        /// `e3`, `E6`.
        case decimalExponent
    }

    /// The value times 10⁹.
    public private(set) var nanoValue: Int128
    public private(set) var format: Format

    /// The largest magnitude read: 10²⁷, far above every real resource.
    private static let largest: Int128 = 1_000_000_000_000_000_000_000_000_000
    private static let nano: Int128 = 1_000_000_000

    public init(_ value: Int64, _ format: Format = .decimalSI) {
        nanoValue = Int128(value) * Self.nano
        self.format = format
    }

    public init(milli value: Int64, _ format: Format = .decimalSI) {
        nanoValue = Int128(value) * 1_000_000
        self.format = format
    }

    /// The value rounded up to an integer, as bytes and counts are taken; within the range of `Int64`.
    public var value: Int64 { Int64(clamping: Self.roundUp(nanoValue, Self.nano)) }

    /// The value times 1000 rounded up, as CPUs are taken; within the range of `Int64`.
    public var milliValue: Int64 { Int64(clamping: Self.roundUp(nanoValue, 1_000_000)) }

    public var isNegative: Bool { nanoValue < 0 }
    public var isZero: Bool { nanoValue == 0 }

    /// Away from zero, as Kubernetes rounds.
    private static func roundUp(_ value: Int128, _ unit: Int128) -> Int128 {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: unit)
        return rest == 0 ? quotient : quotient + (value < 0 ? -1 : 1)
    }

    /// Reads a quantity as Kubernetes writes it. Fractions below 10⁻⁹ are rounded up. Nil for anything else, and for
    /// magnitudes above 10²⁷.
    public init?(_ text: some StringProtocol) {
        var rest = Array(text.utf8)[...]
        guard rest.count <= 64 else { return nil }
        let negative = rest.first == UInt8(ascii: "-")
        if negative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        // At most 64 digits are kept as they are; the value is put together below, within 128 bits.
        let whole = rest.prefix { Self.isDigit($0) }
        rest = rest.dropFirst(whole.count)
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix { Self.isDigit($0) }
            rest = rest.dropFirst(1 + fraction.count)
        }
        if whole.isEmpty && fraction.isEmpty { return nil }
        guard let (base, exponent, format) = Self.scale(of: rest) else { return nil }

        let magnitude =
            base == 2
            ? Self.binary(whole, fraction, shift: exponent) : Self.decimal(whole + fraction, exponent - fraction.count)
        guard let magnitude, magnitude <= Self.largest * Self.nano else { return nil }
        nanoValue = negative ? -magnitude : magnitude
        // A fraction of one has no power of 1024 to be printed with.
        self.format = format == .binarySI && magnitude < Self.nano && magnitude > 0 ? .decimalSI : format
    }

    private static func isDigit(_ c: UInt8) -> Bool { c >= 0x30 && c <= 0x39 }

    /// The factor of a suffix as base 10 or 2 and its exponent.
    private static func scale(of suffix: ArraySlice<UInt8>) -> (base: Int, exponent: Int, format: Format)? {
        let text = String(decoding: suffix, as: UTF8.self)
        if let n = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].firstIndex(of: text) { return (2, 10 * (n + 1), .binarySI) }
        if let (_, exponent) = decimalSuffixes.first(where: { $0.0 == text }) { return (10, exponent, .decimalSI) }
        guard let first = suffix.first, first | 0x20 == UInt8(ascii: "e") else { return nil }
        let number = suffix.dropFirst()
        let digits =
            number.first.map { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") } == true
            ? number.dropFirst() : number
        guard !digits.isEmpty, digits.count <= 4, digits.allSatisfy(isDigit),
            let exponent = Int(String(decoding: number, as: UTF8.self))
        else { return nil }
        return (10, exponent, .decimalExponent)
    }

    private static let decimalSuffixes: [(String, Int)] = [
        ("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18),
    ]

    /// `digits` × 10^`exponent` in billionths; nil when too large.
    private static func decimal(_ digits: ArraySlice<UInt8>, _ exponent: Int) -> Int128? {
        // Leading zeros carry nothing, and beyond the largest value nothing is read.
        let digits = digits.drop { $0 == 0x30 }
        if digits.isEmpty { return 0 }
        let power = exponent + 9
        guard digits.count + power <= 38 else { return nil }
        // Digits below 10⁻⁹ are cut and rounded up.
        let cut = min(max(-power, 0), digits.count)
        let kept = digits.dropLast(cut)
        var value: Int128 = 0
        for c in kept { value = value * 10 + Int128(c - 0x30) }
        if power > 0 { for _ in 0..<power { value *= 10 } }
        if -power > digits.count || digits.suffix(cut).contains(where: { $0 != 0x30 }) { value += 1 }
        return value
    }

    /// `whole.fraction` × 2^`shift` in billionths, rounded up; nil when too large.
    private static func binary(_ whole: ArraySlice<UInt8>, _ fraction: ArraySlice<UInt8>, shift: Int) -> Int128? {
        let whole = whole.drop { $0 == 0x30 }
        guard whole.count <= 28 else { return nil }
        var value: Int128 = 0
        for c in whole { value = value * 10 + Int128(c - 0x30) }
        // 10²⁸ × 2⁶⁰ does not fit; what is above the largest value is not needed exactly.
        guard value <= largest >> Int128(shift) else { return nil }
        value = (value << Int128(shift)) * nano
        // Eighteen digits of fraction times 2⁶⁰ fit in 128 bits; further ones only round up.
        let taken = fraction.prefix(18)
        var numerator: Int128 = 0
        var denominator: Int128 = 1
        for c in taken {
            numerator = numerator * 10 + Int128(c - 0x30)
            denominator *= 10
        }
        let (units, rest) = (numerator << Int128(shift)).quotientAndRemainder(dividingBy: denominator)
        value += units * nano
        let (parts, remainder) = (rest * nano).quotientAndRemainder(dividingBy: denominator)
        value += parts
        if remainder != 0 || fraction.dropFirst(18).contains(where: { $0 != 0x30 }) { value += 1 }
        return value
    }
}

extension Quantity: CustomStringConvertible {
    /// The canonical form, as the API server prints it: `1024Mi` is `1Gi`, `0.5` is `500m`.
    public var description: String {
        if nanoValue == 0 { return "0" }
        if format == .binarySI, nanoValue.magnitude >= 1024 * Self.nano.magnitude {
            var number = Self.roundUp(nanoValue, Self.nano)
            var n = 0
            while n < 6, number % 1024 == 0 {
                number /= 1024
                n += 1
            }
            return "\(number)" + ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"][n]
        }
        var number = nanoValue
        var exponent = -9
        while number % 1000 == 0, exponent < 18 || format == .decimalExponent {
            number /= 1000
            exponent += 3
        }
        if format == .decimalExponent { return exponent == 0 ? "\(number)" : "\(number)e\(exponent)" }
        let suffix = Self.decimalSuffixes.first { $0.1 == exponent }?.0 ?? ""
        return "\(number)\(suffix)"
    }
}

/// Equality and order are those of the value: `1Gi` equals `1024Mi`.
extension Quantity: Hashable, Comparable {
    public static func == (a: Quantity, b: Quantity) -> Bool { a.nanoValue == b.nanoValue }
    public static func < (a: Quantity, b: Quantity) -> Bool { a.nanoValue < b.nanoValue }
    public func hash(into hasher: inout Hasher) { hasher.combine(nanoValue) }

    /// The sum, in the format of `a` unless that is zero. Saturates far outside every real amount.
    public static func + (a: Quantity, b: Quantity) -> Quantity {
        var sum = a.isZero ? b : a
        let (value, overflow) = a.nanoValue.addingReportingOverflow(b.nanoValue)
        sum.nanoValue = overflow ? (a.isNegative ? .min : .max) : value
        return sum
    }
}
