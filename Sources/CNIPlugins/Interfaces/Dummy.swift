import CNITypes
import JSON
import Netlink

/// An interface that takes all packets and sends none on: a place for addresses.
public struct Dummy: InterfacePlugin {
    public static let name = "dummy"

    public init() {}

    static func read(
        _ root: JSONValue, _ environment: PluginEnvironment, previous: CNIResult?
    ) throws(JSONError) -> InterfaceConfiguration { InterfaceConfiguration(.dummy) }
}
