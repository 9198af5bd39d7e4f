import CLinux
import PodSupervisor

/// The supervisor of one pod; see `SupervisorProgram`.
@main struct Program {
    static func main() {
        swl_small_heap()
        exit(SupervisorProgram.run(Array(CommandLine.arguments.dropFirst())))
    }
}
