/// The image worker disturbed at any moment: the agent is only beside.
let imageCrashSuite = Suite("image crash", images: []) {
    ImageSweep.Work.allCases.flatMap { work in
        [
            Test(
                "\(work.phrase), killed at any system call, leaves the store as before or as after, and nothing else",
                needs: .strace, .registry
            ) { node in
                let sweep = try ImageSweep(node.machine, work)
                defer { sweep.end() }
                var plan = SweepPlan(node.machine, samples: work == .sweep ? 6 : 20)
                for moment in plan.draw(try sweep.moments().list()) { try sweep.disturb("signal=KILL", at: moment) }
                plan.report()
            },
            Test(
                "\(work.phrase), with system calls that fail, says so, or is done; the store is whole",
                needs: .strace, .registry
            ) { node in
                let sweep = try ImageSweep(node.machine, work)
                defer { sweep.end() }
                var plan = SweepPlan(node.machine, samples: work == .sweep ? 1 : 2)
                let moments = try sweep.moments()
                for (calls, error) in plan.some(of: ImageSweep.failures) {
                    for moment in plan.draw(moments.list(calls)) { try sweep.disturb("error=\(error)", at: moment) }
                }
                for (calls, error) in plan.some(of: ImageSweep.lastingFailures) {
                    for moment in plan.draw(moments.list(calls)) {
                        try sweep.disturb("error=\(error)", at: moment, lasting: calls)
                    }
                }
                plan.report()
            },
        ]
    }
}

extension ImageSweep.Work {
    fileprivate var phrase: String {
        switch self {
        case .load: "an archive's import"
        case .pull: "a pull"
        case .rm: "the removal of an image"
        case .sweep: "a sweep"
        }
    }
}
