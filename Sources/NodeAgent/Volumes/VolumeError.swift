import Base

/// Why a volume could not be made ready, in the kubelet's words where it has some.
public struct VolumeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The volume's name; empty when the pod's folder itself is meant.
    public var volume: String
    /// What failed, on what and why.
    public var message: String

    public init(volume: String = "", _ message: String) {
        self.volume = volume
        self.message = message
    }

    init(volume: String = "", _ error: SystemError) { self.init(volume: volume, error.description) }

    /// The text of the Warning event `FailedMount`.
    public var description: String {
        volume.isEmpty ? message : "MountVolume.SetUp failed for volume \"\(volume)\" : \(message)"
    }
}
