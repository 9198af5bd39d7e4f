import Base

/// All sources of a node together.
public final class PodSourceSet {
    /// The kinds of sources, of each at most one; of two places that newly name a pod that of the first kind gets it.
    public enum Kind: CaseIterable, Hashable {
        case folder
        case credentials
        case url
    }

    private var sources: [Kind: any PodSource] = [:]
    private var reports: [Kind: SourceReport] = [:]
    private var claims: PodClaims
    private var isStarted = false
    private let onChange: (Wanted) -> Void

    /// - Parameters:
    ///   - lastGood: by place, what was asked for in an earlier run of the agent: whose pods stay theirs.
    ///   - onChange: told all that is wanted, first when every source has reported.
    public init(
        lastGood: [String: [ManifestPod]] = [:], onChange: @escaping (Wanted) -> Void
    ) {
        var owners: [PodKey: String] = [:]
        for (place, pods) in lastGood { for pod in pods { owners[pod.key] = place } }
        claims = PodClaims(owners: owners)
        self.onChange = onChange
    }

    /// Makes `source` the one of its kind, and starts it when the others have been. Without one the pods of the source
    /// before are wanted no more.
    public func set(_ kind: Kind, to source: (any PodSource)?) throws(SystemError) {
        sources[kind]?.stop()
        sources[kind] = source
        guard let source else {
            if reports.removeValue(forKey: kind) != nil { publish() }
            return
        }
        source.onReport = { [unowned self] report in
            reports[kind] = report
            publish()
        }
        if isStarted { try source.start() }
    }

    /// Starts all sources.
    public func start() throws(SystemError) {
        for kind in Kind.allCases { try sources[kind]?.start() }
        isStarted = true
        publish()
    }

    /// Looks at all sources now.
    public func refresh() { for kind in Kind.allCases { sources[kind]?.refresh() } }

    private func publish() {
        guard isStarted else { return }
        onChange(claims.resolve(Kind.allCases.compactMap { reports[$0] }))
    }
}
