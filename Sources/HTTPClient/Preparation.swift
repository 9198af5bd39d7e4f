import Base
import CLinux
import HTTP
import TLS

/// What a request needs beside a connection, made where it may block: the token, the TLS context, the addresses.
struct Preparation: Sendable {
    /// What tells whether a file has changed.
    struct Stamp: Hashable, Sendable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var changed: Int64
        var modified: Int64
    }

    var token: String?
    var context: TLSContext?
    /// Of the files that `context` was made of.
    var stamps: [Stamp] = []
    var addresses: [SocketAddress] = []

    /// - Parameters:
    ///   - previous: of the last request: what has not changed is taken from it.
    ///   - needsAddresses: no connection is open.
    ///   - resolves: false to leave the addresses out.
    static func make(
        _ url: HTTPURL, _ options: ClientOptions, previous: Preparation?, needsAddresses: Bool, resolves: Bool = true
    ) throws(ClientError) -> Preparation {
        var made = Preparation()
        if let file = options.tokenFile { made.token = try token(file) }
        if url.isSecure {
            do throws(SystemError) {
                for path in options.tls.paths { made.stamps.append(try stamp(path)) }
            } catch {
                throw ClientError(.files, "\(error)")
            }
            if let previous, let context = previous.context, previous.stamps == made.stamps {
                made.context = context
            } else {
                do throws(TLSError) { made.context = try TLSContext(options.tls) } catch {
                    throw ClientError(.files, error.message)
                }
            }
        }
        // With new certificates an old connection is not gone on with.
        if resolves, needsAddresses || made.context !== previous?.context {
            made.addresses = try SocketAddress.resolve(url.host, url.port)
        }
        return made
    }

    private static func stamp(_ path: String) throws(SystemError) -> Stamp {
        var status = stat()
        try retrying("stat", path) { stat(path, &status) }
        return Stamp(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
            changed: Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec),
            modified: Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec))
    }

    private static func token(_ file: String) throws(ClientError) -> String {
        let text: String
        do throws(SystemError) { text = try Files.readText(file, limit: 64 << 10) } catch {
            throw ClientError(.files, "\(error)")
        }
        let token = text.utf8.drop { $0 <= 0x20 }
        guard !token.isEmpty, token.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw ClientError(.files, "\(file) holds no bearer token: one line of ASCII without spaces")
        }
        return String(decoding: token, as: UTF8.self)
    }
}
