import Base
import CLinux
import Kube
import TestSupport
import Testing

@testable import NodeAgent

@Suite struct HostPathTests {
    private func error(_ path: String, _ type: HostPathType) -> String? {
        do throws(VolumeError) {
            try HostPath(source: HostPathVolumeSource(path: path, type: type)).prepare()
            return nil
        } catch {
            return error.message
        }
    }

    @Test func eachTypeTakesWhatItNamesAndNothingElse() throws {
        let folder = try TemporaryDirectory()
        let (dir, file, socket, fifo, link, none) = (
            folder.path + "/dir", try folder.write("file", ""), folder.path + "/socket", folder.path + "/fifo",
            folder.path + "/link", folder.path + "/none"
        )
        try Files.makeDirectories(dir)
        let listener = FileDescriptor(adopting: try retrying("listen", socket) { swl_unix_socket(socket, 1, 0) })
        #expect(mkfifo(fifo, 0o600) == 0)
        #expect(symlink(dir, link) == 0)
        let words: [(HostPathType, String, [String])] = [
            (.directory, "a directory", [dir, link]), (.file, "a file", [file]), (.socket, "a socket file", [socket]),
            (.charDevice, "a character device", ["/dev/null"]), (.blockDevice, "a block device", []),
            (.unset, "", [dir, file, socket, fifo, link, "/dev/null"]),
            (.directoryOrCreate, "a directory", [dir, link]), (.fileOrCreate, "a file", [file]),
        ]
        for (type, what, good) in words {
            for path in [dir, file, socket, fifo, link, "/dev/null"] {
                let expected = good.contains(path) ? nil : "hostPath type check failed: \(path) is not \(what)"
                #expect(error(path, type) == expected, "\(type) \(path)")
            }
        }
        for (type, what) in [
            (HostPathType.directory, "a directory"), (.file, "a file"), (.socket, "a socket file"),
            (.charDevice, "a character device"), (.blockDevice, "a block device"),
        ] {
            #expect(error(none, type) == "hostPath type check failed: \(none) is not \(what)")
        }
        #expect(!Files.exists(none))
        _ = listener.raw
    }

    @Test func whatIsToBeCreatedIs() throws {
        let folder = try TemporaryDirectory()
        #expect(error(folder.path + "/a/b", .directoryOrCreate) == nil)
        #expect(Files.isDirectory(folder.path + "/a/b"))
        #expect(error(folder.path + "/c", .unset) == nil)
        #expect(Files.isDirectory(folder.path + "/c"))
        #expect(error(folder.path + "/f", .fileOrCreate) == nil)
        #expect(try Files.readText(folder.path + "/f") == "")
        // Parents of a file are not made.
        #expect(error(folder.path + "/x/f", .fileOrCreate)?.contains("No such file or directory") == true)
    }

    @Test(arguments: ["", "relative", "/a/../etc", "/a/.."])
    func aPathThatIsNotAbsoluteOrClimbsIsRefused(path: String) {
        #expect(error(path, .unset)?.contains("is not an absolute path without") == true)
    }

    @Test func aDanglingLinkIsNotAFolder() throws {
        let folder = try TemporaryDirectory()
        #expect(symlink(folder.path + "/nowhere", folder.path + "/link") == 0)
        #expect(
            error(folder.path + "/link", .directory)
                == "hostPath type check failed: \(folder.path)/link is not a directory")
    }
}
