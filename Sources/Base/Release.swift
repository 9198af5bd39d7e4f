/// What all programs of this build are.
public enum Release {
    public static let version = "0.1.0"
}
