import CLinux
import JSON
import Testing

@testable import Seccomp

@Suite struct SeccompProfileTests {
    private func profile(_ text: String, _ capabilities: [String] = []) throws -> SeccompProfile {
        try SeccompProfile(json: try JSONParser.parse(text.utf8), capabilities: capabilities)
    }

    @Test func theDefaultProfileCompilesToATree() throws {
        let program = try SeccompProfile.runtimeDefault(capabilities: []).compile()
        #expect(program.count % 8 == 0)
        #expect(program.count / 8 < 2048)
    }

    @Test func capabilitiesBringTheirCalls() {
        func allows(_ call: String, _ capabilities: [String]) -> Bool {
            SeccompProfile.runtimeDefault(capabilities: capabilities).rules
                .contains { $0.names.contains(call) && $0.action == .allow && $0.arguments.isEmpty }
        }
        for (call, capability) in [
            ("mount", "CAP_SYS_ADMIN"), ("reboot", "CAP_SYS_BOOT"), ("bpf", "CAP_BPF"), ("clone3", "CAP_SYS_ADMIN"),
            ("init_module", "CAP_SYS_MODULE"), ("open_by_handle_at", "CAP_DAC_READ_SEARCH"),
            ("chroot", "CAP_SYS_CHROOT"),
        ] {
            #expect(!allows(call, []), "\(call)")
            #expect(allows(call, [capability]), "\(call)")
        }
        for call in ["keyctl", "add_key", "kexec_load", "userfaultfd", "io_uring_setup", "swapon", "socket", "clone"] {
            #expect(!allows(call, []), "\(call)")
        }
        for call in ["read", "execve", "futex", "openat", "prctl", "capset", "close_range"] {
            #expect(allows(call, []))
        }
    }

    @Test func aProfileFileIsRead() throws {
        let read = try profile(
            """
            {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
             "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64", "SCMP_ARCH_MIPS"],
             "flags": ["SECCOMP_FILTER_FLAG_TSYNC"],
             "syscalls": [
               {"names": ["read", "no_such_call"], "action": "SCMP_ACT_ALLOW"},
               {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 22,
                "args": [{"index": 0, "value": 16, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 40, "op": "SCMP_CMP_EQ"}]},
               {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
               {"names": ["ptrace"], "action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "4.8"}},
               {"names": ["clone"], "action": "SCMP_ACT_KILL", "excludes": {"minKernel": "3.0"}}
             ]}
            """)
        #expect(read.defaultAction == .fail(38))
        #expect(read.architectures == [.native])
        #expect(read.rules.map(\.names) == [["read", "no_such_call"], ["socket"], ["ptrace"]])
        #expect(read.rules[1].action == .fail(22))
        #expect(try !read.compile().isEmpty)
    }

    @Test(arguments: [
        #"[]"#, #"{}"#, #"{"defaultAction": "SCMP_ACT_DANCE"}"#, #"{"defaultAction": "SCMP_ACT_NOTIFY"}"#,
        #"{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/x"}"#,
        #"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_LOG"]}"#,
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"action": "SCMP_ACT_KILL"}]}"#,
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_KILL", "x": 1}]}"#,
        #"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 70000}"#,
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_KILL", "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}]}"#,
        #"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_KILL", "args": [{"index": 0, "value": -1, "op": "SCMP_CMP_EQ"}]}]}"#,
    ])
    func whatWouldNotBeCarriedOutIsRefused(_ text: String) throws {
        #expect(throws: JSONError.self) { try profile(text) }
    }

    @Test func theFilterHoldsInTheKernel() async {
        await #expect(processExitsWith: .success) {
            let program = try SeccompProfile.runtimeDefault(capabilities: []).compile()
            #expect(swl_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
            let loaded = program.withUnsafeBytes {
                swl_seccomp_load($0.bindMemory(to: sock_filter.self).baseAddress, UInt16($0.count / 8), 0)
            }
            #expect(loaded == 0)
            #expect(swl_unshare(CLONE_NEWUSER) == -1 && swl_errno() == EPERM)
            #expect(socket(40, 1, 0) == -1 && swl_errno() == EPERM)
            #expect(swl_clone3(0, -1, nil) == -1 && swl_errno() == ENOSYS)
            #expect(getppid() > 0)
            // A number beyond all: not EPERM.
            #expect(swl_raw_syscall(600) == -1 && swl_errno() == ENOSYS)
            #expect(fork() != -1)
        }
    }
}
