import CLinux

/// What happens on a system call.
public enum SeccompAction: Sendable, Hashable {
    case allow
    case log
    /// The call fails with this errno.
    case fail(UInt16)
    /// SIGSYS.
    case trap
    case trace(UInt16)
    case killThread
    case killProcess

    /// The kernel's encoding.
    var value: UInt32 {
        switch self {
        case .allow: 0x7FFF_0000
        case .log: 0x7FFC_0000
        case .fail(let errno): 0x0005_0000 | UInt32(errno)
        case .trap: 0x0003_0000
        case .trace(let data): 0x7FF0_0000 | UInt32(data)
        case .killThread: 0
        case .killProcess: 0x8000_0000
        }
    }

    /// By the name that profiles use. Nil when it is unknown (or SCMP_ACT_NOTIFY, which needs a listener).
    init?(name: String, errno: UInt16?) {
        switch name {
        case "SCMP_ACT_ALLOW": self = .allow
        case "SCMP_ACT_LOG": self = .log
        case "SCMP_ACT_ERRNO": self = .fail(errno ?? UInt16(EPERM))
        case "SCMP_ACT_TRAP": self = .trap
        case "SCMP_ACT_TRACE": self = .trace(errno ?? UInt16(EPERM))
        case "SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD": self = .killThread
        case "SCMP_ACT_KILL_PROCESS": self = .killProcess
        default: return nil
        }
    }
}
