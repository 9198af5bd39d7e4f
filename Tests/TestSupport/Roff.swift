import Base
import CLinux

/// The language of manual pages.
public enum Roff {
    /// Text that means nothing to roff.
    public static func escape(_ text: String) -> String {
        var out = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("…", with: "...")
            .replacing("'", with: "\\(aq").replacing("`", with: "\\(ga").replacing("~", with: "\\(ti")
            .replacing("^", with: "\\(ha")
        if out.hasPrefix(".") { out = "\\&" + out }
        return out
    }

    /// What groff complains of in a page; nil where there is no groff.
    public static func complaints(_ page: String) throws -> String? {
        guard Files.exists("/usr/bin/groff") else { return nil }
        let folder = try TemporaryDirectory()
        let file = try folder.write("page", page)
        let said = folder.path + "/said"
        let status = system("groff -man -Tutf8 -ww -z \(file) 2>\(said)")
        return try Files.readText(said) + (status == 0 ? "" : "groff failed")
    }
}
