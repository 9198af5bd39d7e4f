/// The version of all programs of this project.
public enum ProjectVersion {
    public static let current = "0.1.0"
}
