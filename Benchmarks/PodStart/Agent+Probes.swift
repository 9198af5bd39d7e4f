import Base
import CLinux

/// What probes cost, and how soon what happens to a container is told.
extension Agent {
    /// Pods of two containers that are asked every second whether they are ready: the time until all are, what each probe
    /// costs the agent at rest, and the least that it could cost.
    ///
    /// - Parameter floor: the program that does the same by bare system calls.
    func measureProbes(_ count: Int, seconds: UInt32, floor: String) throws {
        let begin = BootInstant.now
        for index in 0..<count {
            _ = try drop("h\(index)", Self.manifest("h\(index)", containers: 2, probe: "httpGet: {port: PORT}"))
        }
        try waitUntil("all \(count) pods are ready", seconds: 120) { try self.ready("2/2") == count }
        print("BENCH probe\(count)_all_ready \((BootInstant.now - begin).count / 1_000_000) ms")
        try report("probe_http", of: [process.pid], probes: 2 * count, seconds: seconds)
        let addresses = try output("get", "pods", "-o", "jsonpath={.items[*].status.podIP}").split(separator: " ")
        let targets = addresses.flatMap { ["\($0):8080", "\($0):8081"] }
        var spawn = Spawn(floor, ["30"] + targets)
        spawn.standardOutput = SharedDescriptor(FileDescriptor(adopting: dup(1)))
        guard try spawn.start().wait(block: true)?.code == 0 else {
            throw Problem("\(floor) could not ask the pods")
        }
        try clear("h", count)
    }

    /// The same for a few pods with exec probes: what they cost agent and supervisors, which start the programs.
    func measureExecProbes(_ count: Int, seconds: UInt32) throws {
        for index in 0..<count {
            let probe = "exec: {command: [/server, well, indeed]}"
            _ = try drop("e\(index)", Self.manifest("e\(index)", containers: 1, probe: probe))
        }
        try waitUntil("all \(count) pods are ready", seconds: 60) { try self.ready("1/1") == count }
        try report("probe_exec", of: [process.pid] + supervisors(), probes: count, seconds: seconds)
        try clear("e", count)
    }

    /// CPU time and wake-ups of processes that run `probes` probes in every second.
    private func report(_ name: String, of processes: [pid_t], probes: Int, seconds: UInt32) throws {
        // The pods' start is over, and what it took is given back.
        sleep(5)
        let total = Double(probes) * Double(seconds)
        let before = try processes.map { (try Self.cpuTime(of: $0), try Self.activity(of: $0).wakeups) }
        sleep(seconds)
        let after = try processes.map { (try Self.cpuTime(of: $0), try Self.activity(of: $0).wakeups) }
        let used = zip(after, before).reduce(0) { $0 + $1.0.0 - $1.1.0 }
        let wakeups = zip(after, before).reduce(0) { $0 + $1.0.1 - $1.1.1 }
        print("BENCH \(name)_cpu \(Self.tenths(Double(used) / 1000 / total)) us")
        print("BENCH \(name)_wakeups \(Self.tenths(Double(wakeups) / total)) per_probe")
    }

    /// How long it takes from the end of a container's process until `get pods -w` prints that its pod has completed: from
    /// the kernel's word (pidfd) on, and from when it has begun to take the process apart, which closes its connection.
    ///
    /// - Parameter isBurst: each ends as soon as the one before is told, while what the others leave is still cleared away;
    ///   else ten a second, with a probe a second in each pod.
    func measureStatus(_ count: Int, isBurst: Bool) throws {
        let probe = isBurst ? nil : "httpGet: {port: PORT}"
        for index in 0..<count { _ = try drop("s\(index)", Self.manifest("s\(index)", containers: 1, probe: probe)) }
        try waitUntil("all \(count) pods are ready", seconds: 120) { try self.ready("1/1") == count }
        let columns = "custom-columns=N:.metadata.name,I:.status.podIP,U:.metadata.uid"
        let lines = try output("get", "pods", "--no-headers", "-o", columns)
        let servers = try servers()
        var pods: [Substring: (address: String, process: pid_t)] = [:]
        for line in lines.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, let server = servers.first(where: { $0.cgroup.contains(words[2]) }) else {
                continue
            }
            pods[words[0]] = (String(words[1]), server.pid)
        }
        let watch = try Watch(program: "\(programs)/swiftlet", root: root)
        defer { watch.end() }
        var fromWord: [Nanoseconds] = []
        var fromEnd: [Nanoseconds] = []
        for index in 0..<count {
            let name = "s\(index)"
            if !isBurst { usleep(100_000) }
            guard let pod = pods[name[...]] else { throw Problem("the process of pod \(name) was not found") }
            let process = FileDescriptor(
                adopting: try retrying("pidfd_open", "process \(pod.process)") { swl_pidfd_open(pod.process, 0) })
            let end = try Self.ask("/exit", of: pod.address, 8080)
            var ended = pollfd(fd: process.raw, events: Int16(POLLIN), revents: 0)
            guard poll(&ended, 1, 10_000) == 1 else { throw Problem("the process of pod \(name) does not end") }
            let word = BootInstant.now
            let told = try watch.moment(of: name, "Completed")
            fromWord.append(told - word)
            fromEnd.append(told - end)
        }
        let figure = isBurst ? "status_burst" : "status"
        try Samples(fromWord).report(figure)
        try Samples(fromEnd).report("\(figure)_from_exit")
        try clear("s", count)
    }

    /// Many pods one after the other: what the agent has grown by in the second half.
    func measureChurn(_ count: Int) throws {
        func size() throws -> (memory: Int64, files: Int) {
            (try Self.kilobytes("Private_Dirty:", of: process.pid), try Files.list("/proc/\(process.pid)/fd").count)
        }
        _ = try measureStarts(count / 2)
        let before = try size()
        _ = try measureStarts(count / 2)
        let after = try size()
        print("BENCH churn\(count)_memory_grown \(after.memory - before.memory) kB")
        print("BENCH churn\(count)_files_grown \(after.files - before.files) descriptors")
    }

    // MARK: helpers

    private static func manifest(_ name: String, containers: Int, probe: String?) -> String {
        var text = """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name)}
            spec:
              restartPolicy: Never
              terminationGracePeriodSeconds: 1
              containers:

            """
        for index in 0..<containers {
            text += """
                  - name: c\(index)
                    image: first
                    imagePullPolicy: Never
                    command: ["/server", "\(8080 + index)"]

                """
            let action = probe.map { probe in
                let parts = probe.split(separator: "PORT", omittingEmptySubsequences: false)
                return parts.joined(separator: "\(8080 + index)")
            }
            if let action { text += "    readinessProbe: {periodSeconds: 1, \(action)}\n" }
        }
        return text
    }

    /// The processes of containers, with their cgroups.
    private func servers() throws -> [(pid: pid_t, cgroup: String)] {
        try Files.list("/proc").compactMap { pid_t($0) }.compactMap { pid in
            let command = (try? Files.read("/proc/\(pid)/cmdline")) ?? []
            guard command.starts(with: "/server".utf8), let cgroup = try? Files.readText("/proc/\(pid)/cgroup") else {
                return nil
            }
            return (pid, cgroup)
        }
    }

    /// How many pods have so many of their containers ready.
    private func ready(_ count: String) throws -> Int {
        try output("get", "pods", "--no-headers").split(separator: "\n").count { line in
            line.split(separator: " ").dropFirst().first == count[...]
        }
    }

    private func clear(_ prefix: String, _ count: Int) throws {
        for index in 0..<count { try remove("\(prefix)\(index)") }
        try waitUntil("all pods are gone", seconds: 120) { try self.podFolders() == 0 }
    }

    /// Nanoseconds that a process's threads have run.
    private static func cpuTime(of pid: pid_t) throws -> Int64 {
        var sum: Int64 = 0
        for thread in try Files.list("/proc/\(pid)/task") {
            let text = try Files.readText("/proc/\(pid)/task/\(thread)/schedstat")
            sum += text.split(separator: " ").first.flatMap { Int64($0) } ?? 0
        }
        return sum
    }

    private static func tenths(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// Sends a request and reads to the end; when that came.
    private static func ask(_ path: String, of host: String, _ port: UInt16) throws -> BootInstant {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { throw Problem("\(host) is no address") }
        let raw = try retrying("connect to", host) {
            withUnsafeBytes(of: address) { swl_tcp_connect($0.baseAddress, socklen_t($0.count)) }
        }
        let socket = FileDescriptor(adopting: raw)
        // The connection is not waited for by that.
        var ready = pollfd(fd: socket.raw, events: Int16(POLLOUT), revents: 0)
        _ = poll(&ready, 1, 5000)
        try socket.writeAll("GET \(path) HTTP/1.1\r\n\r\n".utf8, name: host)
        var end = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&end, 1, 5000) == 1 else { throw Problem("\(host) does not answer") }
        return .now
    }
}
