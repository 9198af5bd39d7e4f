import Base
import Testing

@Suite struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy"),
    ])
    func theExamplesOfTheStandardGoBothWays(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == Array(encoded.utf8))
        #expect(Base64.decode(Array(encoded.utf8)) == Array(plain.utf8))
    }

    @Test func allBytesComeBack() {
        for count in 0..<300 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 89 &+ count) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }

    @Test(arguments: ["Z", "Zg", "Zg=", "Zg=g", "Z===", "====", "=Zg=", "Zh==", "Zm9=", "Zm9v\n", "Zm-_", "Zg==Zg=A"])
    func whatWasNotWrittenThatWayIsRefused(text: String) {
        #expect(Base64.decode(Array(text.utf8)) == nil)
    }
}
