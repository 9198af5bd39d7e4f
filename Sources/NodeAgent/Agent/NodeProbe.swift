import Base
import CLinux
import PodRuntime

/// Facts of this machine, read from the kernel.
public enum NodeProbe {
    /// The machine's memory in bytes; 0 when it cannot be read.
    public static func memory() -> Int64 {
        guard let text = try? Files.readText("/proc/meminfo") else { return 0 }
        for line in text.split(separator: "\n") where line.hasPrefix("MemTotal:") {
            let words = line.split(separator: " ")
            if words.count >= 2, let kibibytes = Int64(words[1]) { return kibibytes << 10 }
        }
        return 0
    }

    /// CPUs that are online.
    public static func cpus() -> Int64 { max(1, Int64(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// Bytes free to the agent at `path`; 0 when it cannot be told.
    public static func storage(_ path: String) -> Int64 {
        var status = statvfs()
        guard let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY),
            fstatvfs(folder.raw, &status) == 0
        else { return 0 }
        return Int64(clamping: UInt64(status.f_blocks) &* UInt64(status.f_frsize))
    }

    /// The capabilities that this process can hand on, by name.
    public static func capabilities() throws(SystemError) -> [String] {
        let text = try Files.readText("/proc/self/status")
        let line = text.split(separator: "\n").first { $0.hasPrefix("CapPrm:") }
        let word = line?.split(whereSeparator: { $0 == "\t" || $0 == " " }).last
        // Containers that get no capabilities for a reading gone wrong would be hard to understand.
        guard let word, let bounding = UInt64(word, radix: 16) else {
            throw SystemError("read CapPrm from", "/proc/self/status", .invalid)
        }
        return Capability.names.enumerated().filter { bounding >> UInt64($0.offset) & 1 == 1 }.map(\.element)
    }

    /// The lowest `oom_score_adj` that children can be given: any with CAP_SYS_RESOURCE, else this process's own.
    public static func minimumOOMScore() throws(SystemError) -> Int {
        if try capabilities().contains("CAP_SYS_RESOURCE") { return -1000 }
        return (try? Files.readText("/proc/self/oom_score_adj")).flatMap { Int($0) } ?? 0
    }

    /// The host's name.
    public static func hostname() -> String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The machine's addresses, those of the interface with the default route first; loopback only when there are no
    /// others.
    ///
    /// - Parameter bridge: the pods' own interface on the host, whose address is none of the machine's.
    public static func addresses(without bridge: String) -> [String] {
        let preferred = defaultInterface()
        var list: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&list) == 0 else { return ["127.0.0.1"] }
        defer { freeifaddrs(list) }
        var found: [(rank: Int, text: String)] = []
        var next = list
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let address = entry.ifa_addr, entry.ifa_flags & 0x1 != 0 else { continue }
            let family = Int32(address.pointee.sa_family)
            guard family == AF_INET || family == AF_INET6, let text = text(of: address, family) else { continue }
            guard String(cString: entry.ifa_name) != bridge else { continue }
            let isLoopback = entry.ifa_flags & 0x8 != 0
            guard !isLoopback, !text.hasPrefix("fe80:") else { continue }
            let isPreferred = preferred.map { $0 == String(cString: entry.ifa_name) } ?? false
            found.append(((isPreferred ? 0 : 2) + (family == AF_INET ? 0 : 1), text))
        }
        let sorted = found.enumerated().sorted { ($0.element.rank, $0.offset) < ($1.element.rank, $1.offset) }
        // The API knows one address of each family.
        var result: [String] = []
        for (_, candidate) in sorted
        where !result.contains(where: { $0.contains(":") == candidate.text.contains(":") }) {
            result.append(candidate.text)
        }
        return result.isEmpty ? ["127.0.0.1"] : result
    }

    private static func text(of address: UnsafeMutablePointer<sockaddr>, _ family: Int32) -> String? {
        var buffer = [CChar](repeating: 0, count: 64)
        let raw = UnsafeRawPointer(address)
        // The address proper lies behind family and port (and, for IPv6, the flow label).
        let offset = family == AF_INET ? 4 : 8
        guard inet_ntop(family, raw.advanced(by: offset), &buffer, socklen_t(buffer.count)) != nil else { return nil }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func defaultInterface() -> String? {
        guard let table = try? Files.readText("/proc/net/route") else { return nil }
        for line in table.split(separator: "\n").dropFirst() {
            let fields = line.split(whereSeparator: { $0 == "\t" || $0 == " " })
            if fields.count > 7, fields[1] == "00000000", fields[7] == "00000000" { return String(fields[0]) }
        }
        return nil
    }
}
