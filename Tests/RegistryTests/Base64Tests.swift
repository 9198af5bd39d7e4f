import Testing

@testable import Registry

@Suite struct Base64Tests {
    @Test(arguments: [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("user:pä", "dXNlcjpww6Q=")])
    func textIsWrittenAndReadBack(_ text: String, _ encoded: String) {
        #expect(Base64.encode(text) == encoded)
        #expect(Base64.decode(encoded) == Array(text.utf8))
        #expect(Base64.decode(String(encoded.prefix { $0 != "=" })) == Array(text.utf8))
    }

    @Test(arguments: ["Y", "Y=Q=", "YQ !", "YWJj\u{0}"]) func whatIsNoneIsRefused(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
