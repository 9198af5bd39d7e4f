@main struct EndToEnd {
    static func main() {}
}
