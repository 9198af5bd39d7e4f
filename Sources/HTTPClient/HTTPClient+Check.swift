import HTTP

extension HTTPClient {
    /// Looks whether the files of `options` can be used for `url`, without asking anyone. It blocks.
    ///
    /// - Throws: `ClientError` with the file and what is wrong.
    public static func check(_ url: HTTPURL, _ options: ClientOptions) throws(ClientError) {
        _ = try Preparation.make(url, options, previous: nil, needsAddresses: false, resolves: false)
    }
}
