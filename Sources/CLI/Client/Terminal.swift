import Base
import CLinux

/// The person's terminal, while a program in a container has it.
final class Terminal {
    private var saved: termios
    /// Reports the signals that matter meanwhile.
    let signals: FileDescriptor
    private var isRaw = true

    private init(_ saved: termios, _ signals: consuming FileDescriptor) {
        self.saved = saved
        self.signals = signals
    }

    /// Hands every key on as it is typed, until `restore`.
    static func raw() throws(CLIError) -> Terminal {
        var settings = termios()
        guard tcgetattr(0, &settings) == 0 else {
            throw .failed("cannot read the terminal's settings: \(Errno.current)")
        }
        let wanted = [SIGWINCH, SIGTERM, SIGHUP, SIGINT, SIGQUIT]
        let raw = swl_signalfd(wanted, Int32(wanted.count))
        guard raw >= 0 else { throw .failed("signalfd: \(Errno.current)") }
        let terminal = Terminal(settings, FileDescriptor(adopting: raw))
        cfmakeraw(&settings)
        guard tcsetattr(0, TCSANOW, &settings) == 0 else {
            throw .failed("cannot set the terminal up: \(Errno.current)")
        }
        return terminal
    }

    func restore() {
        guard isRaw else { return }
        isRaw = false
        // What the shell set before; also when the program in the container changed it on the way.
        tcsetattr(0, TCSADRAIN, &saved)
    }

    deinit { restore() }

    static func size() -> (rows: UInt16, columns: UInt16)? {
        var (rows, columns) = (UInt16(0), UInt16(0))
        guard swl_get_window_size(0, &rows, &columns) == 0, rows > 0, columns > 0 else { return nil }
        return (rows, columns)
    }
}
