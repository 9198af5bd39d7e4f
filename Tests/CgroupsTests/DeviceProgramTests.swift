import Base
import CLinux
import TestSupport
import Testing

@testable import Cgroups

@Suite struct DeviceProgramTests {
    /// `code dst src off imm`, one instruction a line.
    private func listing(_ rules: [DeviceRule]) throws -> [String] {
        try DeviceProgram(rules).instructions.map {
            "\(String($0.code, radix: 16)) r\($0.dst_reg) r\($0.src_reg) +\($0.off) \($0.imm)"
        }
    }

    private let prologue = [
        "61 r2 r1 +0 0", "bc r3 r2 +0 0", "54 r2 r0 +0 65535", "74 r3 r0 +0 16", "61 r4 r1 +4 0", "61 r5 r1 +8 0",
    ]

    @Test func anEmptyListDeniesEverything() throws {
        #expect(try listing([]) == prologue + ["b7 r0 r0 +0 0", "95 r0 r0 +0 0"])
    }

    @Test func aRuleForAllEndsTheProgram() throws {
        let rules = [DeviceRule(allow: false, .character, 1, 3), DeviceRule(allow: true)]
        #expect(try listing(rules) == prologue + ["b7 r0 r0 +0 1", "95 r0 r0 +0 0"])
    }

    @Test func laterRulesComeFirstAndPartialAccessIsCountedOff() throws {
        let rules = [
            DeviceRule(allow: false), DeviceRule(allow: true, .character, access: .makeNode),
            DeviceRule(allow: true, .character, 1, 3),
        ]
        #expect(
            try listing(rules) == prologue + [
                "56 r2 r0 +4 2", "56 r4 r0 +3 1", "56 r5 r0 +2 3", "b7 r0 r0 +0 1", "95 r0 r0 +0 0",
                "56 r2 r0 +4 2", "54 r3 r0 +0 -2", "56 r3 r0 +2 0", "b7 r0 r0 +0 1", "95 r0 r0 +0 0",
                "b7 r0 r0 +0 0", "95 r0 r0 +0 0",
            ])
    }

    @Test func aPartialDenialLooksAtItsBitsOnly() throws {
        let rules = [DeviceRule(allow: true), DeviceRule(allow: false, .block, access: .write)]
        #expect(
            try listing(rules) == prologue + [
                "56 r2 r0 +5 1", "bc r6 r3 +0 0", "54 r6 r0 +0 4", "16 r6 r0 +2 0", "b7 r0 r0 +0 0", "95 r0 r0 +0 0",
                "b7 r0 r0 +0 1", "95 r0 r0 +0 0",
            ])
    }

    @Test func tooManyRulesAreRefused() {
        let rules = [DeviceRule](repeating: DeviceRule(allow: true, .block, 8, 0), count: 1025)
        #expect(throws: SystemError.self) { try DeviceProgram(rules) }
    }
}
