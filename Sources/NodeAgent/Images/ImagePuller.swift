import Images

/// Brings images from registries to the node.
@LoopActor
public protocol ImagePuller: AnyObject {
    /// Pulls an image, or makes sure that the one that is here is the registry's. Callers that ask for the same at the
    /// same time share one transfer.
    ///
    /// - Throws: `ImageError` with a sentence for people.
    func pull(_ reference: ImageReference) async throws(ImageError) -> StoredImage
}
