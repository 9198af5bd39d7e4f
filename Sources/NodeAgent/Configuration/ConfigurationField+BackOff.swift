import Base
import JSON

extension ConfigurationField {
    /// `crashLoopBackOff.maxContainerRestartPeriod`, with the kubelet's bounds.
    static let crashLoopBackOff = ConfigurationField(
        "crashLoopBackOff",
        """
        In its field maxContainerRestartPeriod the longest time, from 1s to 300s, that a container is held back which \
        ends again and again.
        """, absence: "{maxContainerRestartPeriod: 5m0s}", needsRestart: true, read: readBackOff,
        value: { settings in
            settings.longestBackOff.map { ["maxContainerRestartPeriod": .string($0.description)] }
        })

    private static func readBackOff(_ backOff: JSONValue, into settings: inout NodeSettings) -> [Issue] {
        guard let members = backOff.objectValue?.members else {
            return [Issue("crashLoopBackOff: \(expected("an object", backOff))", at: backOff.position)]
        }
        var issues: [Issue] = []
        for member in members where !member.value.isNull {
            guard member.key == "maxContainerRestartPeriod" else {
                let wrong = ConfigurationFile.unknown(member.key, among: ["maxContainerRestartPeriod"])
                issues.append(Issue("crashLoopBackOff." + wrong, at: member.keyPosition))
                continue
            }
            let longest = member.value.stringValue.flatMap { EndpointFields.duration($0) }
            guard let longest, longest >= .seconds(1), longest <= CrashLoopBackOff.longest else {
                let wrong = "crashLoopBackOff.maxContainerRestartPeriod: expected a time from 1s to 300s"
                issues.append(Issue(wrong, at: member.value.position))
                continue
            }
            settings.longestBackOff = longest
        }
        return issues
    }
}
