/// How objects are printed.
enum OutputFormat: String {
    case table = ""
    case wide
    case json
    case yaml
    case name

    init(_ text: String?) throws(CLIError) {
        guard let format = OutputFormat(rawValue: text ?? ""), text != "" else {
            throw .usage("--output: \"\(text ?? "")\" is none of wide, json, yaml, name")
        }
        self = format
    }
}
