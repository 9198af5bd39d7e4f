import Base
import CLinux
import Kube
import PodRuntime
import TestSupport
import Testing

@testable import NodeAgent

@Suite struct EnvFileReaderTests {
    private func read(_ folder: TemporaryDirectory, _ path: String) -> EnvFiles.Found? {
        var container = Container(name: "c", image: "i")
        let selector = FileKeySelector(volumeName: "v", path: path, key: "A")
        container.env = [EnvVar(name: "E", valueFrom: EnvVarSource(fileKeyRef: selector))]
        let found = EnvFileReader(volumes: ["v": folder.path + "/v"]).files(of: container).found
        return found[.init(volume: "v", path: path)]
    }

    @Test func onlyARegularFileInsideTheVolumeIsRead() throws {
        let folder = try TemporaryDirectory()
        try folder.write("v/d/env", "A='1'")
        try folder.write("secret", "A='host'")
        try folder.write("v/long", String(repeating: "#", count: EnvFile.limit + 1))
        let file = EnvFiles.Found.file(try EnvFile(parsing: Array("A='1'".utf8)))
        #expect(read(folder, "d/env") == file)
        #expect(symlink("d/env", folder.path + "/v/link") == 0)
        #expect(read(folder, "link") == file, "a link inside the volume")
        #expect(read(folder, "none") == .nothing && read(folder, "d/env/x") == .nothing)
        func isUnusable(_ path: String) -> Bool { if case .unusable? = read(folder, path) { true } else { false } }
        #expect(symlink("../secret", folder.path + "/v/out") == 0)
        #expect(symlink(folder.path + "/secret", folder.path + "/v/absolute") == 0)
        #expect(symlink("/proc/self/cwd", folder.path + "/v/magic") == 0)
        #expect(mkfifo(folder.path + "/v/pipe", 0o666) == 0)
        for path in ["out", "absolute", "magic", "pipe", "d", "long", "../secret"] {
            #expect(isUnusable(path), "\(path)")
        }
    }
}
