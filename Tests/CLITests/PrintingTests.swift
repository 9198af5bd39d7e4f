import Base
import JSON
import Kube
import Testing

@testable import CLI

@Suite struct HumanTimeTests {
    @Test(arguments: [
        (-5, "<invalid>"), (-1, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (599, "9m59s"), (600, "10m"),
        (10_799, "179m"), (10_800, "3h"), (10_860, "3h1m"), (28_799, "7h59m"), (28_800, "8h"), (172_799, "47h"),
        (172_800, "2d"), (176_400, "2d1h"), (691_199, "7d23h"), (691_200, "8d"), (63_071_999, "729d"),
        (63_072_000, "2y"), (63_158_400, "2y1d"), (252_288_000, "8y"),
    ])
    func agesArePrintedAsKubectlDoes(seconds: Int, text: String) {
        #expect(HumanTime.duration(seconds: Int64(seconds)) == text)
    }

    @Test(arguments: [
        ("30s", 30), ("5m", 300), ("1h30m", 5400), ("1h1m1s", 3661), ("", nil), ("5", nil), ("m", nil), ("5d", nil),
        ("-5s", nil), ("99999999999999999999s", nil), ("9223372036854775807h", nil),
    ])
    func lengthsOfTimeAreRead(text: String, seconds: Int?) {
        #expect(HumanTime.seconds(text) == seconds.map { Int64($0) })
    }

    @Test func datesHaveTheirZone() {
        #expect(HumanTime.date(Timestamp(nanoseconds: 0), utc: true) == "Thu, 01 Jan 1970 00:00:00 +0000")
    }
}

@Suite struct LayoutTests {
    @Test func progressIsOneLineThatIsDrawnOverItself() {
        var drawn: [String] = []
        let bar = ProgressBar(width: 60) { drawn.append($0) }
        bar.clear()
        bar.show("b.tar", ["phase": "unpacking", "bytesDone": 2_000_000, "layers": 3, "layersDone": 1])
        bar.show("b", ["phase": "downloading", "bytesDone": 5_000_000, "bytes": 10_000_000])
        bar.show(String(repeating: "x", count: 100), sent: 1)
        bar.clear()
        #expect(
            drawn == [
                "\rb.tar: unpacking 2.00MB, layer 2 of 3\u{1b}[K",
                "\rb: downloading [============>           ]  50% 5.00MB / 10.\u{1b}[K",
                "\r" + String(repeating: "x", count: 59) + "\u{1b}[K", "\r\u{1b}[K",
            ])
        #expect(ProgressBar.bar(0, of: 0, width: 3) == "[>  ]   0%")
        #expect(ProgressBar.bar(9, of: 3, width: 3) == "[===] 100%")
    }

    @Test func aTimelineTellsHowLongEachStepTook() {
        let page = TimelinePage.text(
            [
                "items": [
                    ["time": "2026-01-01T00:00:00.000000000Z", "message": "Manifest accepted"],
                    ["time": "2026-01-01T00:00:00.003250000Z", "message": "Started", "container": "main"],
                    ["time": "2026-01-01T00:00:01.250000000Z", "message": "Ready"],
                    ["time": "2026-01-01T02:00:01.250000000Z", "message": "a\u{1b}b"],
                ]
            ], utc: true)
        #expect(
            page == """
                Timeline:
                  Time          Since start  Step     What
                  ----          -----------  ----     ----
                  00:00:00.000                        Manifest accepted
                  00:00:00.003  +3.2ms       +3.2ms   main: Started
                  00:00:01.250  +1.25s       +1.246s  Ready
                  02:00:01.250  +120m        +120m    a\\u{1b}b

                """)
        #expect(TimelinePage.text([:], utc: true) == "")
    }

    @Test func columnsAreAlignedAsGosTabwriterDoes() {
        let text = "Name:\ta\nLonger Name:\tb\n  Key:\tvalue\n\nX:\ty\nno tab\nA:\tb\tc\nAAAA:\tbbbb\tcccc\n"
        #expect(
            TabWriter().format(text) == """
                Name:         a
                Longer Name:  b
                  Key:        value

                X:  y
                no tab
                A:     b     c
                AAAA:  bbbb  cccc

                """)
    }

    @Test func rowsThatComeLaterStayInLine() {
        var table = Table(["A", "LONG NAME", "C"])
        #expect(
            table.text([[.init("x"), .init("y"), .init("z")]], withHeader: true, isColoured: false) == """
                A     LONG NAME   C
                x     y           z

                """)
        let later = table.text([[.init("longer"), .init("y"), .init("z")]], withHeader: false, isColoured: false)
        #expect(later == "longer   y           z\n")
        #expect(table.text([[.init("x", .good)]], withHeader: false, isColoured: true) == "\u{1B}[32mx\u{1B}[0m\n")
    }

    @Test func whatOthersWroteCannotRepaintTheTerminal() {
        #expect(Printable.text("a\u{1B}[2Jb") == "a\\u{1b}[2Jb")
        #expect(Printable.line("one\ntwo\tthree") == "one\\ntwo three")
        #expect(Printable.text("\u{202E}x\u{9B}") == "\\u{202e}x\\u{9b}")
        #expect(Printable.text("grün") == "grün")
    }

    @Test(
        arguments: [
            (0, "0B"), (999, "999B"), (1000, "1.00kB"), (4_270_000, "4.27MB"), (42_700_000, "42.7MB"),
            (427_000_000, "427MB"), (999_900, "1.00MB"), (9_999_000, "10.0MB"), (Int64.max, "9223372TB"),
        ] as [(Int64, String)])
    func sizesHaveThreeDigits(bytes: Int64, text: String) { #expect(ImageList.size(bytes) == text) }

    @Test func eventsStandInTheOrderTheyWereLastSeen() {
        let events = [5, 3, 5, 1].enumerated().map { n, second in
            Event(
                metadata: ObjectMeta(), involvedObject: ObjectReference(), type: .normal, reason: "R\(n)", message: "",
                at: Timestamp(nanoseconds: Int64(second)), component: "", host: "")
        }
        #expect(EventPrinter.sorted(events).map(\.reason) == ["R3", "R1", "R0", "R2"])
    }

    @Test func theColonOfAPortIsNoTag() {
        #expect(ImageList.split("host:5000/a/b") == ("host:5000/a/b", "<none>"))
        #expect(ImageList.split("host:5000/a/b:v1") == ("host:5000/a/b", "v1"))
    }
}
