import Testing

@testable import Registry

@Suite struct LooseBase64Tests {
    @Test(arguments: [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("user:pä", "dXNlcjpww6Q=")])
    func textIsWrittenAndReadBack(_ text: String, _ encoded: String) {
        #expect(LooseBase64.encode(text) == encoded)
        #expect(LooseBase64.decode(encoded) == Array(text.utf8))
        #expect(LooseBase64.decode(String(encoded.prefix { $0 != "=" })) == Array(text.utf8))
    }

    @Test(arguments: ["Y", "Y=Q=", "YQ !", "YWJj\u{0}"]) func whatIsNoneIsRefused(_ text: String) {
        #expect(LooseBase64.decode(text) == nil)
    }
}
