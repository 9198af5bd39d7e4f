// The command line's logic; Sources/swiftlet only calls it.
