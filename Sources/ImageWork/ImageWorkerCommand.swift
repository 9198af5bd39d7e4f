import Images

/// What the image worker is asked to do, by its arguments:
///
///     load   --store DIR [--name NAME] FILE
///     pull   --store DIR --registries FILE --signatures FILE REFERENCE
///     import --store DIR --name REFERENCE [--config JSON] [--source NAME] FILE
///     rm     --store DIR [--in-use LAYER-PATH]... REFERENCE
///     sweep  --store DIR [--in-use LAYER-PATH]...
///     tidy   --store DIR
///     verify --store DIR [--contents] [REFERENCE]...
///     save   --store DIR --format FORMAT --output FD REFERENCE...
///
/// What comes after `--` is no option. `pull` reads the credentials, a `PullInput`, from standard input.
struct ImageWorkerCommand {
    enum Verb: String, CaseIterable {
        case load
        case pull
        case `import`
        case rm
        case sweep
        case tidy
        case verify
        case save

        fileprivate var operands: ClosedRange<Int> {
            switch self {
            case .sweep, .tidy: 0...0
            case .verify: 0...Int.max
            case .save: 1...Int.max
            case .load, .pull, .import, .rm: 1...1
            }
        }
    }

    var verb: Verb
    var store = ""
    var name: String?
    var registries = ""
    var signatures = ""
    var inUse: Set<String> = []
    var operands: [String] = []
    var operand: String { operands.first ?? "" }
    var contents = false
    var format = SaveFormat.oci
    var output: Int32 = -1
    var config = "{}"
    var source: String?

    /// - Throws: `ImageError` for what the worker does not know, or cannot do with it.
    init(_ arguments: [String]) throws(ImageError) {
        let known = Verb.allCases.map(\.rawValue).joined(separator: ", ")
        guard let first = arguments.first, let verb = Verb(rawValue: first) else {
            throw Self.wrong("expected one of \(known)")
        }
        self.verb = verb
        var rest = arguments.dropFirst()
        while let argument = rest.popFirst() {
            if argument == "--" {
                operands += rest
                break
            }
            guard argument.hasPrefix("--") else {
                operands.append(argument)
                continue
            }
            if argument == "--contents" {
                contents = true
                continue
            }
            guard let value = rest.popFirst() else { throw Self.wrong("\(argument) needs a value") }
            try take(argument, value)
        }
        try check()
    }

    private mutating func take(_ option: String, _ value: String) throws(ImageError) {
        switch option {
        case "--store": store = value
        case "--name": name = value
        case "--registries": registries = value
        case "--signatures": signatures = value
        case "--in-use": inUse.insert(value)
        case "--config": config = value
        case "--source": source = value
        case "--format":
            guard let known = SaveFormat(rawValue: value) else { throw Self.wrong("unknown format") }
            format = known
        case "--output":
            guard let descriptor = Int32(value), descriptor > 2 else { throw Self.wrong("--output needs a descriptor") }
            output = descriptor
        default: throw Self.wrong("unknown option \(option)")
        }
    }

    private func check() throws(ImageError) {
        guard store.hasPrefix("/") else { throw Self.wrong("--store needs an absolute path") }
        guard verb != .pull || registries.hasPrefix("/") && signatures.hasPrefix("/") else {
            throw Self.wrong("--registries and --signatures need absolute paths")
        }
        guard verb.operands.contains(operands.count) else { throw Self.wrong("wrong number of arguments") }
        guard verb != .save || output > 2 else { throw Self.wrong("--output needs a descriptor") }
    }

    private static func wrong(_ what: String) -> ImageError { ImageError(.unsupported, "image-worker: \(what)") }
}
