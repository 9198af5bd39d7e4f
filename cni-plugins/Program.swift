import CLinux
import CNIPlugins

/// All CNI plugins in one program; see `MultiCall`.
@main struct Program {
    static func main() { exit(MultiCall.run(CommandLine.arguments)) }
}
