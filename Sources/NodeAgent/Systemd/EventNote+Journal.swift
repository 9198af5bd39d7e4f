import Base
import Kube

extension EventNote {
    /// What the journal keeps beside the message, so that `journalctl POD_NAME=web` finds it.
    func journalFields(of pod: Pod) -> [Log.Field] {
        var fields: [Log.Field] = [
            ("POD_NAME", pod.metadata.name), ("POD_NAMESPACE", pod.metadata.namespace),
            ("POD_UID", pod.metadata.uid),
        ]
        if let container { fields.append(("CONTAINER_NAME", container)) }
        fields.append(("REASON", reason))
        return fields
    }
}
