/// A pipe whose ends can be handed around: what is written to `write` comes out of `read`. Both are close-on-exec, and
/// close with their last owner.
public struct SharedPipe {
    public let read: SharedDescriptor
    public let write: SharedDescriptor

    /// - Parameter readsNonBlocking: reading it never waits; writing does.
    /// - Throws: `SystemError` when there are too many open files.
    public init(readsNonBlocking: Bool = false) throws(SystemError) {
        let pipe = try FileDescriptor.pipe()
        if readsNonBlocking { try pipe.read.setNonBlocking() }
        read = SharedDescriptor(pipe.read)
        write = SharedDescriptor(pipe.write)
    }
}
