import Base
import Testing

/// The order of the house: who may import whom, and what nobody may.
@Suite struct FloorTests {
    let tree: SourceTree

    init() throws { tree = try SourceTree.current.get() }

    @Test func everyFolderUnderSourcesIsATargetOnAFloor() throws {
        for name in try Files.list("\(tree.root)/Sources") {
            #expect(tree.targets[name] != nil, "Sources/\(name) is no target under a floor of Package.swift")
        }
        #expect(tree.files.count > 100)
    }

    @Test func importsGoDownTheFloors() {
        for file in tree.files {
            guard let target = tree.targets[file.target] else { continue }
            for name in file.imports {
                guard let imported = tree.targets[name] else { continue }
                #expect(
                    imported.order < target.order,
                    "\(file.path) imports \(name), which stands below \(target.name) in Package.swift")
                // On the floors of formats, containers and pods, neighbours do not know each other.
                if (1...3).contains(target.floor) {
                    #expect(
                        imported.floor < target.floor,
                        "\(file.path) imports \(name), which is on the same floor \(target.floor)")
                }
            }
        }
    }

    @Test func nothingImportsFoundationDispatchOrTheCLibraryBesideOurShim() {
        let banned: Set = ["Foundation", "FoundationEssentials", "FoundationNetworking", "Dispatch", "Glibc", "Musl"]
        for file in tree.files {
            for name in file.imports where banned.contains(name) { Issue.record("\(file.path) imports \(name)") }
        }
    }

    @Test func nothingBelowTheAgentIsConcurrent() {
        let concurrent = ["async", "await", "Task", "actor"]
        for file in tree.files {
            guard let target = tree.targets[file.target],
                target.floor < 4 || ["swiftlet-pod", "cni-plugins"].contains(target.name)
            else { continue }
            #expect(!file.imports.contains("_Concurrency"), "\(file.path)")
            for (index, line) in file.code.enumerated() where !line.contains("\"") {
                let words = line.split { !$0.isLetter && $0 != "_" }
                for word in words where concurrent.contains(String(word)) {
                    Issue.record("\(file.path):\(index + 1) uses \(word): \(line)")
                }
            }
        }
    }

    /// A task that begins on the global executor comes to the loop with a detour.
    @Test func nothingBeginsOnTheGlobalExecutor() {
        for file in tree.files {
            for (index, line) in file.code.enumerated() {
                for start in ["async let", "Task.detached", "TaskGroup("] where line.contains(start) {
                    Issue.record("\(file.path):\(index + 1) uses \(start)")
                }
            }
        }
    }

    @Test func everyFileIsReadableInOneSitting() {
        for file in tree.files {
            #expect(file.lines.count <= 500, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test func badInputNeverMeetsAForcedTry() {
        for file in tree.files {
            for (index, line) in file.code.enumerated() {
                for trap in ["try!", "fatalError(", "as! "] where line.contains(trap) {
                    Issue.record("\(file.path):\(index + 1) uses \(trap)")
                }
            }
        }
    }

    @Test func whatTheCompilerCannotCheckSaysWhyItIsSafe() {
        for file in tree.files {
            for (index, line) in file.code.enumerated() {
                let escapes = ["@unchecked Sendable", "nonisolated(unsafe)", "unsafeBitCast"]
                guard escapes.contains(where: { line.contains($0) }) else { continue }
                let near = file.lines[max(0, index - 4)...index]
                #expect(near.contains { $0.contains("//") }, "\(file.path):\(index + 1) gives no reason")
            }
        }
    }
}
