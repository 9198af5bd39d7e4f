/// The kinds of archive that images are saved as.
public enum SaveFormat: String, Sendable, CaseIterable {
    /// An OCI image layout.
    case oci
    /// What `docker save` writes.
    case docker
}
