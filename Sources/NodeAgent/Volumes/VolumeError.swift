import Base

/// Why a volume could not be made ready, in the kubelet's words where it has some.
public struct VolumeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The volume's name; empty when the pod's folder itself is meant.
    public var volume: String
    /// What failed, on what and why.
    public var message: String

    /// What was attempted with the volume.
    public var attempt = "MountVolume.SetUp failed"

    /// What a container asks for of a volume is not there or not allowed: its configuration's fault.
    public var isConfiguration: Bool

    public init(volume: String = "", _ message: String, isConfiguration: Bool = false) {
        self.volume = volume
        self.message = message
        self.isConfiguration = isConfiguration
    }

    init(volume: String = "", _ error: SystemError) { self.init(volume: volume, error.description) }

    /// The text of the Warning event `FailedMount`.
    public var description: String {
        volume.isEmpty ? message : "\(attempt) for volume \"\(volume)\" : \(message)"
    }
}
