import Kube
import Testing

@Suite("Quantities are Kubernetes'")
struct QuantityTests {
    @Test(
        "The canonical form is the API server's",
        arguments: [
            ("0", "0"), ("0Ki", "0"), ("-0", "0"), ("1", "1"), ("+1", "1"), ("-1", "-1"), ("1000", "1k"),
            ("1024", "1024"), ("1500", "1500"), ("1500m", "1500m"), ("1000m", "1"), ("0.5", "500m"), (".5", "500m"),
            ("5.", "5"), ("0.1", "100m"), ("100m", "100m"), ("0.0001", "100u"), ("1n", "1n"), ("0.1n", "1n"),
            ("1.0000000001", "1000000001n"), ("1024Mi", "1Gi"), ("1Gi", "1Gi"), ("1.5Gi", "1536Mi"),
            ("0.5Gi", "512Mi"), ("1000Mi", "1000Mi"), ("512", "512"), ("512Ki", "512Ki"), ("0.5Ki", "512"),
            ("0.001Ki", "1024m"), ("1000000", "1M"), ("1e3", "1e3"), ("1E3", "1e3"), ("12e-1", "1200e-3"),
            ("1e6", "1e6"), ("1e26", "100e24"), ("1000000E", "1000000E"), ("10e5", "1e6"), ("1E", "1E"),
            ("100E", "100E"), ("1Ei", "1Ei"), ("8Ei", "8Ei"),
            ("123456789", "123456789"), ("1.25M", "1250k"), ("-1.5Gi", "-1536Mi"), ("001", "1"), ("0.30", "300m"),
            ("1e-1000", "1e-9"), ("129e6", "129e6"), ("0.9999999999", "1"),
        ])
    func canonical(_ text: String, _ printed: String) throws {
        let quantity = try #require(Quantity(text))
        #expect(quantity.description == printed)
        #expect(try #require(Quantity(printed)) == quantity)
    }

    @Test(
        "Anything else is no quantity",
        arguments: [
            "", " ", "-", "+", ".", "m", "Mi", "1 Mi", " 1", "1GiB", "1mi", "1K", "1KI", "1e", "1e+", "1e1.5", "1.2.3",
            "--1", "0x10", "1_000", "١", "1e99999", "1e30", "1e1000000000000", String(repeating: "9", count: 65), "∞",
            "1Gi ", "1g", "NaN", "inf", "9999999999999999999999Ei",
        ])
    func refused(_ text: String) {
        #expect(Quantity(text) == nil)
    }

    @Test("Values are rounded up")
    func values() throws {
        let values: [(String, Int64, Int64)] = [
            ("1", 1, 1000), ("100m", 1, 100), ("1500m", 2, 1500), ("0.1m", 1, 1), ("1n", 1, 1), ("0", 0, 0),
            ("-1500m", -2, -1500), ("1Ki", 1024, 1_024_000), ("1.5", 2, 1500), ("100E", Int64.max, Int64.max),
            ("8Ei", Int64.max, Int64.max),
        ]
        for (text, value, milli) in values {
            let quantity = try #require(Quantity(text))
            #expect(quantity.value == value, "\(text)")
            #expect(quantity.milliValue == milli, "\(text)")
        }
    }

    @Test("Equality, order and sum are those of the value")
    func arithmetic() throws {
        let gibi = try #require(Quantity("1Gi"))
        #expect(gibi == Quantity("1024Mi"))
        #expect(gibi == Quantity(1 << 30))
        #expect(Set([gibi, Quantity(1 << 30)]).count == 1)
        #expect(try #require(Quantity("999Mi")) < gibi)
        #expect((gibi + gibi).description == "2Gi")
        #expect((Quantity(0) + gibi).description == "1Gi")
        #expect((Quantity(milli: 300) + Quantity(1)).description == "1300m")
    }
}
