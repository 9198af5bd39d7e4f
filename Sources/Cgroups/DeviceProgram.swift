import Base
import CLinux

/// A `BPF_PROG_TYPE_CGROUP_DEVICE` program that enforces an allow-list.
public struct DeviceProgram: Sendable {
    /// Encoded as the kernel takes them.
    let instructions: [bpf_insn]

    /// The most rules a list may have; the verifier bounds a program's size.
    public static let mostRules = 1024

    /// - Throws: `SystemError` (E2BIG) for a list of more than `mostRules`.
    public init(_ rules: [DeviceRule]) throws(SystemError) {
        guard rules.count <= Self.mostRules else {
            throw SystemError("make a device program of", "\(rules.count) rules", .tooBig)
        }
        var program = Assembler()
        program.prologue()
        var complete = false
        // From the last rule, which decides, to the first. R3 keeps the access bits that no rule has decided yet.
        for rule in rules.reversed() where !rule.access.isEmpty {
            program.rule(rule)
            // What follows would be unreachable, which the verifier refuses.
            if rule.kind == .all, rule.major == nil, rule.minor == nil, rule.access == .all {
                complete = true
                break
            }
        }
        if !complete { program.decide(false) }
        instructions = program.code
    }

    /// Loads the program into the kernel. The descriptor can be attached to many cgroups.
    ///
    /// - Throws: `SystemError`; EPERM without CAP_BPF or CAP_SYS_ADMIN.
    public func load() throws(SystemError) -> SharedDescriptor {
        let fd = try retrying("load the device program of", "\(instructions.count) instructions") {
            instructions.withUnsafeBufferPointer {
                swl_bpf_load_device($0.baseAddress, UInt32($0.count), nil, 0)
            }
        }
        return SharedDescriptor(FileDescriptor(adopting: fd))
    }

    /// Attaches a loaded program; it holds for the cgroup and its children until they are removed.
    public static func attach(_ program: SharedDescriptor, to cgroup: Cgroup) throws(SystemError) {
        try retrying("attach the device program to", cgroup.path) {
            swl_bpf_attach_device(cgroup.directory.raw, program.raw)
        }
    }

    /// Loads the program and attaches it.
    public func attach(to cgroup: Cgroup) throws(SystemError) { try Self.attach(try load(), to: cgroup) }

    /// Registers: R1 the context, R2 device type, R3 undecided access bits, R4 major, R5 minor, R0 and R6 scratch.
    private struct Assembler {
        var code: [bpf_insn] = []

        private mutating func emit(_ operation: Int32, _ to: UInt8, _ from: UInt8, _ offset: Int16, _ immediate: Int32)
        {
            var instruction = bpf_insn()
            instruction.code = UInt8(truncatingIfNeeded: operation)
            instruction.dst_reg = to
            instruction.src_reg = from
            instruction.off = offset
            instruction.imm = immediate
            code.append(instruction)
        }

        /// struct bpf_cgroup_dev_ctx { access_type (access << 16 | type), major, minor }
        mutating func prologue() {
            emit(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 0, 0)
            emit(BPF_ALU | BPF_MOV | BPF_X, 3, 2, 0, 0)
            emit(BPF_ALU | BPF_AND | BPF_K, 2, 0, 0, 0xFFFF)
            emit(BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16)
            emit(BPF_LDX | BPF_MEM | BPF_W, 4, 1, 4, 0)
            emit(BPF_LDX | BPF_MEM | BPF_W, 5, 1, 8, 0)
        }

        mutating func decide(_ allow: Bool) {
            emit(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, allow ? 1 : 0)
            emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
        }

        mutating func rule(_ rule: DeviceRule) {
            var skips: [Int] = []
            func unlessEqual(_ register: UInt8, _ value: Int32) {
                skips.append(code.count)
                emit(BPF_JMP32 | BPF_JNE | BPF_K, register, 0, 0, value)
            }
            switch rule.kind {
            case .all: break
            case .block: unlessEqual(2, 1)
            case .character: unlessEqual(2, 2)
            }
            if let major = rule.major { unlessEqual(4, Int32(bitPattern: major)) }
            if let minor = rule.minor { unlessEqual(5, Int32(bitPattern: minor)) }
            if rule.access != .all {
                if rule.allow {
                    emit(BPF_ALU | BPF_AND | BPF_K, 3, 0, 0, ~rule.access.rawValue)
                    unlessEqual(3, 0)
                } else {
                    emit(BPF_ALU | BPF_MOV | BPF_X, 6, 3, 0, 0)
                    emit(BPF_ALU | BPF_AND | BPF_K, 6, 0, 0, rule.access.rawValue)
                    skips.append(code.count)
                    emit(BPF_JMP32 | BPF_JEQ | BPF_K, 6, 0, 0, 0)
                }
            }
            decide(rule.allow)
            for skip in skips { code[skip].off = Int16(code.count - skip - 1) }
        }
    }
}
