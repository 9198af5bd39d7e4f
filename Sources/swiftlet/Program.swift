import CLI
import CLinux

@main struct Program {
    static func main() { exit(CommandLineTool.run(Array(CommandLine.arguments.dropFirst()))) }
}
