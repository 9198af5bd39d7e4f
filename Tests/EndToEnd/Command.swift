import Base
import CLinux

/// What a program printed, and how it ended.
struct CommandResult {
    var status: Int32
    var output: String
    var errors: String
}

/// Runs `path` to its end, killing it at the time-out.
///
/// - Throws: `Failure` when it does not end in time, `SystemError` when it cannot be started.
func run(
    _ path: String, _ arguments: [String], input: [UInt8]? = nil, timeout: Nanoseconds
) throws -> CommandResult {
    let folder = try scratchFolder()
    defer { try? Files.removeTree(folder) }
    var spawn = Spawn(path, arguments, environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"])
    if let input {
        try Files.replace("\(folder)/in", with: input, durable: false)
        spawn.standardInput = SharedDescriptor(try FileDescriptor.open("\(folder)/in", O_RDONLY))
    }
    spawn.standardOutput = SharedDescriptor(try FileDescriptor.open("\(folder)/out", O_WRONLY | O_CREAT, mode: 0o600))
    spawn.standardError = SharedDescriptor(try FileDescriptor.open("\(folder)/err", O_WRONLY | O_CREAT, mode: 0o600))
    spawn.parentDeathSignal = SIGKILL
    let child = try spawn.start()
    let deadline = BootInstant.now + timeout
    while true {
        if let exit = try child.wait(block: false) {
            return CommandResult(
                status: exit.code, output: try text("\(folder)/out"), errors: try text("\(folder)/err"))
        }
        if BootInstant.now > deadline {
            try child.send(SIGKILL)
            _ = try child.wait(block: true)
            let said = try text("\(folder)/out").suffix(500) + text("\(folder)/err").suffix(500)
            throw Failure("\(Path.name(path)) \(arguments.joined(separator: " ")): no end after \(timeout): \(said)")
        }
        pause(milliseconds: 2)
    }
}

/// Waits for a readable pidfd would need a loop here; polling is enough for a test.
func pause(milliseconds: Int32) { _ = poll(nil, 0, milliseconds) }

func text(_ path: String) throws -> String {
    String(decoding: try Files.read(path, limit: 64 << 20), as: UTF8.self)
}

func scratchFolder() throws -> String {
    var template = Array("/tmp/swiftlet-e2e-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp", "/tmp") }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
