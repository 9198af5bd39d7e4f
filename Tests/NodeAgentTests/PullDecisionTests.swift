import JSON
import Kube
import Testing

@testable import NodeAgent

@Suite struct PullDecisionTests {
    @Test(arguments: [
        ("busybox", PullPolicy.always), ("busybox:latest", .always), ("host:5000/a/busybox", .always),
        ("busybox:1.35", .ifNotPresent), ("host:5000/busybox:1", .ifNotPresent), ("busybox@sha256:00", .ifNotPresent),
        ("busybox:latest@sha256:00", .ifNotPresent),
    ])
    func thePolicyThatIsLeftOpenGoesByTheTag(_ image: String, _ policy: PullPolicy) {
        #expect(PullPolicy.ifOpen(image) == policy)
        #expect(Container(["name": "c", "image": .string(image)]).imagePullPolicy == policy)
    }

    private func decide(_ policy: PullPolicy?, isHere: Bool, isPulled: Bool) -> PullDecision {
        PullDecision(policy ?? .ifOpen("busybox"), isOpen: policy == nil, isHere: isHere, isPulled: isPulled)
    }

    @Test func policiesAreTheKubelets() {
        #expect(decide(.never, isHere: false, isPulled: false) == .refuse)
        #expect(decide(.never, isHere: true, isPulled: true) == .use)
        #expect(decide(.ifNotPresent, isHere: false, isPulled: false) == .pull)
        #expect(decide(.ifNotPresent, isHere: true, isPulled: true) == .use)
        #expect(decide(.always, isHere: true, isPulled: false) == .pull)
        #expect(decide(.always, isHere: true, isPulled: true) == .pull)
    }

    @Test func anImageFromAnArchiveIsUsedWhereTheManifestLeavesThePolicyOpen() {
        #expect(decide(nil, isHere: true, isPulled: false) == .use)
        #expect(decide(nil, isHere: true, isPulled: true) == .pull)
        #expect(decide(nil, isHere: false, isPulled: false) == .pull)
    }
}
