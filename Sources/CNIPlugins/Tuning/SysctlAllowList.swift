import Base
import CLinux
import CNITypes

/// Which kernel parameters the administrator allows to be tuned: a file of regular expressions, a line each.
struct SysctlAllowList {
    /// The reference plugin's place.
    static let path = "/etc/cni/tuning/allowlist.conf"

    /// Throws unless one of the expressions is found in each name, or there is no file.
    static func check(_ sysctls: [Sysctl], path: String = path) throws(CNIError) {
        guard !sysctls.isEmpty else { return }
        let text: String
        do {
            text = try Files.readText(path)
        } catch {
            if error.errno == .noEntry { return }
            throw CNIError(.inputOutput, "cannot read the list of sysctls that may be set", details: "\(error)")
        }
        let expressions = text.split(separator: "\n").map(String.init).filter { !$0.allSatisfy { $0 == " " } }
        for sysctl in sysctls {
            var isAllowed = false
            for expression in expressions where try matches(expression, sysctl.key, path) { isAllowed = true }
            if isAllowed { continue }
            throw CNIError(
                .invalidConfiguration, "sysctl \(sysctl.key) may not be set",
                details: "no expression of \(path) allows it")
        }
    }

    private static func matches(_ expression: String, _ text: String, _ path: String) throws(CNIError) -> Bool {
        var compiled = regex_t()
        guard regcomp(&compiled, expression, REG_EXTENDED | REG_NOSUB) == 0 else {
            throw CNIError(
                .invalidConfiguration, "\(path) has the line \"\(expression)\", which is no regular expression")
        }
        defer { regfree(&compiled) }
        return regexec(&compiled, text, 0, nil, 0) == 0
    }
}
