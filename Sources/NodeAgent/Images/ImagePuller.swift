import Images

/// Brings images from registries to the node.
@LoopActor
public protocol ImagePuller: AnyObject {
    /// Pulls an image, or makes sure that the one that is here is the registry's. Callers that ask for the same at the
    /// same time share one transfer.
    ///
    /// - Parameters:
    ///   - credentials: texts of dockerconfigjson documents, in the order in which they are tried.
    ///   - progress: called a few times a second.
    /// - Throws: `PullError` with a sentence for people; at once when the calling task is cancelled. A pull that nobody
    ///   waits for any more ends.
    func pull(
        _ reference: ImageReference, credentials: [String], progress: @escaping (PullProgress) -> Void
    ) async throws(PullError) -> StoredImage
}

extension ImageService: ImagePuller {}
