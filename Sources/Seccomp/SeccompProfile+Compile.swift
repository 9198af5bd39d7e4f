import Base
import CLinux
import CSeccomp

extension SeccompProfile {
    /// The most instructions that the kernel takes.
    static let mostInstructions = 4096

    /// Compiles the profile with libseccomp to an array of `struct sock_filter`, as the kernel and
    /// `ContainerRequest.seccompProgram` take it. Costs some milliseconds: callers keep the result.
    ///
    /// - Throws: `SeccompError` when libseccomp refuses a rule, or the program gets too long.
    public func compile() throws(SeccompError) -> [UInt8] {
        guard let context = seccomp_init(defaultAction.value) else {
            throw SeccompError("seccomp: the default action \(defaultAction) is not supported by this kernel")
        }
        defer { seccomp_release(context) }
        for architecture in architectures where architecture != .native {
            let result = seccomp_arch_add(context, architecture.rawValue)
            if result < 0, result != -EEXIST { throw Self.failure("add an architecture", result) }
        }
        // The loader decides about no_new_privs. Level 2: a balanced tree instead of a list of comparisons.
        _ = seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0)
        var result = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2)
        if result < 0 { throw Self.failure("ask for a tree", result) }

        var newest: Int32 = 0
        for rule in rules {
            for name in rule.names {
                let number = seccomp_syscall_resolve_name(name)
                // Not known to the library: it cannot be a call of this kernel that the profile could want.
                if number == -1 { continue }
                newest = max(newest, seccomp_syscall_resolve_name_arch(SeccompArchitecture.native.rawValue, name))
                // A rule that says what the default says would be refused.
                if rule.action == defaultAction { continue }
                for arguments in Self.alternatives(rule.arguments) {
                    result = seccomp_rule_add_array(
                        context, rule.action.value, number, UInt32(arguments.count), arguments)
                    // Some calls of other architectures cannot be expressed there; they stay under the default action.
                    if result < 0, result != -EDOM, result != -EEXIST {
                        throw Self.failure("add the rule for \(name)", result)
                    }
                }
            }
        }

        let file: [UInt8]
        do throws(SystemError) { file = try Self.export(context) } catch { throw SeccompError("seccomp: \(error)") }
        let program = prefix(newest: newest) + file
        guard program.count / 8 <= Self.mostInstructions else {
            throw SeccompError(
                "seccomp: the profile compiles to \(program.count / 8) instructions, more than the kernel's "
                    + "\(Self.mostInstructions)")
        }
        return program
    }

    private static func failure(_ step: String, _ result: Int32) -> SeccompError {
        SeccompError("seccomp: could not \(step): \(Errno(rawValue: -result))")
    }

    /// Conditions on one argument twice are alternatives: a rule each.
    private static func alternatives(_ arguments: [SeccompRule.Argument]) -> [[scmp_arg_cmp]] {
        let native = arguments.map {
            scmp_arg_cmp(arg: $0.index, op: $0.comparison.native, datum_a: $0.value, datum_b: $0.valueTwo)
        }
        let distinct = Set(arguments.map(\.index)).count
        return distinct == arguments.count ? [native] : native.map { [$0] }
    }

    private static func export(_ context: scmp_filter_ctx) throws(SystemError) -> [UInt8] {
        let memory = FileDescriptor(
            adopting: try retrying("memfd_create", "the filter") { swl_memfd_create("filter", 1) })
        let raw = memory.raw
        let result = seccomp_export_bpf(context, raw)
        if result < 0 { throw SystemError("export", "the filter", Errno(rawValue: -result)) }
        try retrying("lseek", "the filter") { lseek(raw, 0, SEEK_SET) }
        return try memory.readAll(limit: mostInstructions * 8, name: "the filter")
    }

    /// In front of the filter: a native call beyond the newest that the profile names is ENOSYS.
    private func prefix(newest: Int32) -> [UInt8] {
        guard newerCallsAreUnknown, case .fail = defaultAction, newest > 0 else { return [] }
        let audit = SeccompArchitecture.native.rawValue
        // struct seccomp_data { nr, arch, ... }
        var code: [(UInt16, UInt8, UInt8, UInt32)] = [
            (0x20, 0, 0, 4),
            (0x15, 0, 0, audit),
            (0x20, 0, 0, 0),
        ]
        #if arch(x86_64)
            // x32 numbers have this bit.
            code.append((0x35, 2, 0, 0x4000_0000))
        #endif
        code.append((0x25, 0, 1, UInt32(newest)))
        code.append((0x06, 0, 0, SeccompAction.fail(UInt16(ENOSYS)).value))
        code[1].2 = UInt8(code.count - 2)
        var bytes: [UInt8] = []
        for (operation, yes, no, value) in code {
            withUnsafeBytes(of: operation) { bytes += $0 }
            bytes += [yes, no]
            withUnsafeBytes(of: value) { bytes += $0 }
        }
        return bytes
    }
}
