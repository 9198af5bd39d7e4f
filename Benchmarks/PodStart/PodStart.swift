@main struct PodStart {
    static func main() {}
}
