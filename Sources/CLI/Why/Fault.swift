/// A fault that `why` knows by name. docs/why.md is made of the table.
struct Fault: Hashable, Sendable {
    enum Group: String, CaseIterable, Sendable {
        case manifest = "The manifest"
        case image = "The image"
        case configuration = "What the container asks for"
        case start = "The program does not start"
        case network = "The network"
        case end = "The program ends"
        case probes = "Its probes"
        case output = "What the program says before it ends"
        case node = "The node"
        case course = "No fault"
    }

    /// The name, for programs and people: it does not change.
    var name: String
    var group: Group
    /// What is wrong, as the end of a sentence that begins with "because".
    var meaning: String
    /// What to do; empty where nothing is to be done.
    var fix: String

    init(_ name: String, _ group: Group, _ meaning: String, fix: String = "") {
        self.name = name
        self.group = group
        self.meaning = meaning
        self.fix = fix
    }
}
