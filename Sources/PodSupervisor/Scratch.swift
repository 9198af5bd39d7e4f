import Base
import CLinux

/// The memory through which all output passes: one area for reading, one for composing. Pages are taken by the kernel
/// only when touched, and given back with `release`, so that a quiet supervisor holds next to none.
final class Scratch {
    /// The most bytes read at once.
    static let inputSize = 32 * 1024
    /// The most bytes written to a log at once.
    static let outputSize = 32 * 1024

    let input: UnsafeMutableRawBufferPointer
    let output: UnsafeMutableRawBufferPointer
    private let base: UnsafeMutableRawPointer
    /// More than the first page of `input` was used since the last `release`.
    private(set) var isWarm = false

    init() throws(SystemError) {
        let size = Self.inputSize + Self.outputSize
        guard
            let base = mmap(
                nil, size, PROT_READ | PROT_WRITE, Int32(MAP_PRIVATE) | Int32(MAP_ANONYMOUS) | Int32(MAP_NORESERVE), -1,
                0), base != UnsafeMutableRawPointer(bitPattern: -1)
        else { throw SystemError("mmap", "\(size) bytes") }
        self.base = base
        input = UnsafeMutableRawBufferPointer(start: base, count: Self.inputSize)
        output = UnsafeMutableRawBufferPointer(start: base + Self.inputSize, count: Self.outputSize)
    }

    deinit { munmap(base, Self.inputSize + Self.outputSize) }

    /// To be told of each read, so that `isWarm` is right.
    func used(_ count: Int) { if count > 4096 { isWarm = true } }

    /// Gives the memory back.
    func release() {
        isWarm = false
        _ = madvise(base, Self.inputSize + Self.outputSize, Int32(MADV_DONTNEED))
    }
}
