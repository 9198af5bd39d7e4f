import Base
import JSON
import Kube
import Testing

/// Conditions of a pod that others than the node set.
@Suite struct ConditionTests {
    private static let now = Timestamp(nanoseconds: 9_000_000_000)
    private static let old = Timestamp(nanoseconds: 1_000_000_000)
    private let present = [
        PodCondition(type: "a/x", status: .true, lastTransitionTime: old),
        PodCondition(type: "a/y", status: .false, lastTransitionTime: old),
    ]

    private func decode(_ conditions: String, _ form: ListForm) throws -> [PodCondition] {
        try ConditionDecoder.decode(
            try yaml("{status: {conditions: \(conditions)}}"), form, beside: present, now: Self.now)
    }

    private func complaint(_ conditions: String, _ form: ListForm = .strategic) -> String {
        do {
            _ = try decode(conditions, form)
            return "(accepted)"
        } catch {
            return "\(error)"
        }
    }

    @Test func aPatchChangesThoseItNamesAndAddsOthers() throws {
        let found = try decode(
            "[{type: a/y, status: 'True', reason: Up}, {type: z, status: Unknown, message: m}]", .strategic)
        #expect(found.map(\.type) == ["a/x", "a/y", "z"])
        #expect(found.map(\.status) == [.true, .true, .unknown])
        #expect(found.map(\.lastTransitionTime) == [Self.old, Self.now, Self.now])
        #expect(found[1].reason == "Up" && found[2].message == "m")
        #expect(try decode("[{type: a/x, $patch: delete}]", .strategic).map(\.type) == ["a/y"])
        #expect(try decode("[]", .strategic) == present)
    }

    @Test func theTimeIsThatOfTheChangeOrWhatIsSaid() throws {
        #expect(try decode("[{type: a/x, status: 'True', reason: R}]", .strategic)[0].lastTransitionTime == Self.old)
        let said = try decode(
            "[{type: a/x, status: 'False', lastTransitionTime: '1970-01-01T00:00:05Z'}]", .strategic)
        #expect(said[0].lastTransitionTime == Timestamp(nanoseconds: 5_000_000_000))
    }

    @Test func theWholeListReplacesWhatIsNotTheNodes() throws {
        let found = try decode(
            "[{type: Ready, status: 'True'}, {type: a/y, status: 'False'}, {type: PodScheduled, status: 'False'}]",
            .whole)
        #expect(found == [present[1]])
        #expect(try decode("[]", .whole).isEmpty)
    }

    @Test(arguments: [
        ("[{type: Ready, status: 'True'}]", "status.conditions[0].type: Forbidden: the node says this itself"),
        ("[{type: x, status: 'Yes'}]", #"Unsupported value: "Yes": supported values: "False", "True", "Unknown""#),
        ("[{type: x}]", "status.conditions[0].status: Required value"),
        ("[{status: 'True'}]", "status.conditions[0].type: Required value"),
        ("[{type: 'a b', status: 'True'}]", "status.conditions[0].type: Invalid value: \"a b\""),
        ("[{type: x, status: 'True'}, {type: x, status: 'False'}]", "status.conditions[1].type: Duplicate value"),
        ("[{type: x, status: true}]", "status.conditions[0].status: expected a string, found a boolean"),
        ("[7]", "status.conditions[0]: expected an object, found an integer"),
        ("{}", "status.conditions: expected a list, found an object"),
    ]) func whatCannotBeSetIsRefused(conditions: String, message: String) {
        #expect(complaint(conditions).contains(message), "\(complaint(conditions))")
    }

    @Test func whatIsKeptIsBounded() {
        let many = (0...ConditionDecoder.limit).map { "{type: t\($0), status: 'True'}" }.joined(separator: ", ")
        #expect(complaint("[\(many)]", .whole).contains("Too many: 51: must have at most 50 items"))
        let long = String(repeating: "m", count: 40_000)
        #expect(complaint("[{type: x, status: 'True', message: \(long)}]").contains("message: Too long"))
    }
}
