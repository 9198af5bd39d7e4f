import Base
import CLinux
import TestSupport
import Testing

@testable import CLI

@Suite struct CopyTests {
    @Test func placesAreReadAsKubectlReadsThem() throws {
        #expect(try CopyPlace("web:/a/b") == CopyPlace(pod: "web", namespace: nil, path: "/a/b"))
        #expect(try CopyPlace("other/web:a:b") == CopyPlace(pod: "web", namespace: "other", path: "a:b"))
        for text in ["a/b", "./a:b", "/a:b", ":b"] { #expect(try CopyPlace(text).pod == nil, "\(text)") }
        for text in ["", "web:", "a/b/c:d"] {
            #expect(throws: CLIError.self, "\(text)") { try CopyPlace(text) }
        }
    }

    @Test func aPathIsAFolderAndAName() {
        func parts(_ path: String) -> [String] { [CopyPlace.parts(path).folder, CopyPlace.parts(path).name] }
        #expect(parts("a") == [".", "a"] && parts("/a") == ["/", "a"] && parts("a/b//") == ["a", "b"])
        #expect(parts("/") == ["/", ""] && parts("a/.") == ["a/.", ""] && parts("..") == ["..", ""])
    }

    @Test func aNameIsRenamedWhateverItIs() throws {
        let folder = try TemporaryDirectory()
        for (old, new) in [("a", "b"), ("a.b*[c]^$", "x&y"), ("a b", "c d"), ("a'\\n", "e\\&f")] {
            try Files.makeDirectories(folder.path + "/in/\(old)/\(old)")
            try folder.write("in/\(old)/\(old)/f", "text")
            let tar = try LocalTar(
                [
                    "-cf", "-", "--no-unquote", "-C", folder.path + "/in", "--transform",
                    PodCopy.renaming(old, to: new), "--", "./" + old,
                ],
                .output)
            let back = try LocalTar(["-xf", "-", "-C", folder.path], .input)
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while case let count = read(tar.descriptor, &buffer, buffer.count), count > 0 {
                ExecLoop.writeAll(back.descriptor, buffer[..<count])
            }
            try tar.finish()
            try back.finish()
            #expect(try Files.readText("\(folder.path)/\(new)/\(old)/f") == "text", "\(old) to \(new)")
        }
    }

    @Test func onlyFilesAndFoldersComeFromAContainer() throws {
        let folder = try TemporaryDirectory()
        let path = folder.path
        try folder.write("secret", "host")
        try folder.write("sent/d/new", "new")
        try folder.write("sent/d/old", "replaced")
        try folder.write("goal/d/old", "old")
        try folder.write("goal/d/kept", "kept")
        #expect(symlink("\(path)/secret", "\(path)/sent/d/kept") == 0)
        #expect(link("\(path)/secret", "\(path)/sent/hard") == 0)
        #expect(mkfifo("\(path)/sent/pipe", 0o600) == 0)
        // A program of the container's that would run as whoever copies it.
        #expect(chmod("\(path)/sent/d/new", 0o6755) == 0 && chmod("\(path)/sent/d", 0o3777) == 0)
        try folder.write("sent/e/x", "x")
        #expect(chmod("\(path)/sent/e", 0o3770) == 0)
        var warnings = 0
        let move = CopyMove { _ in warnings += 1 }
        try move.merge(path + "/sent", into: path + "/goal")
        #expect(warnings == 3)
        #expect(try Files.list(path + "/goal") == ["d", "e"])
        func mode(_ name: String) -> mode_t {
            var status = stat()
            return lstat("\(path)/goal/\(name)", &status) == 0 ? status.st_mode & 0o7777 : 0
        }
        #expect(mode("d/new") == 0o755 && mode("e") == 0o770)
        #expect(try Files.readText(path + "/goal/d/old") == "replaced")
        #expect(try Files.readText(path + "/goal/d/new") == "new")
        #expect(try Files.readText(path + "/goal/d/kept") == "kept")
        #expect(throws: CLIError.self) { try move.merge(path + "/none", into: path + "/goal") }
        try folder.write("file", "file")
        #expect(throws: CLIError.self) { try move.merge(path + "/goal/d", into: path + "/file") }
        #expect(throws: CLIError.self) { try move.merge(path + "/file", into: path + "/goal/d") }
    }

    @Test func oneSideIsInAPod() {
        for arguments in ["a b", "web:/a db:/b", "web:/a"] {
            #expect(run("cp \(arguments)", root: "/nowhere").code == 2, "\(arguments)")
        }
    }
}
