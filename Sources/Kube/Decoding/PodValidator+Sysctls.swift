import JSON

/// Kernel parameters of the pod's namespaces. Which ones a node sets is the node's to say.
extension PodValidator {
    mutating func sysctls(_ spec: PodSpec, _ path: FieldPath) {
        var paths: Set<String> = []
        for (n, sysctl) in spec.securityContext.sysctls.enumerated() {
            let place = path[n].field("name")
            name(sysctl.name, place, Names.sysctl)
            if !sysctl.name.isEmpty, !paths.insert(sysctl.path).inserted { duplicate(sysctl.name, place) }
            switch sysctl.namespace {
            case .network where spec.hostNetwork:
                invalid(sysctl.name, "may not be specified when 'hostNetwork' is true", place)
            case .ipc where spec.hostIPC:
                invalid(sysctl.name, "may not be specified when 'hostIPC' is true", place)
            default: break
            }
            if value(at: path[n].field("value")) == nil { required(path[n].field("value")) }
        }
    }
}
