import CLinux
import TestSupport
import Testing

@testable import Base

@Suite struct ServiceManagerTests {
    private func invitation(_ variables: [String: String], processID: pid_t = 7) -> ServiceManager.Invitation? {
        ServiceManager.Invitation(variable: { variables[$0] }, processID: processID)
    }

    @Test func withoutAnInvitationNothingIsSentAnywhere() {
        #expect(invitation([:]) == nil)
        #expect(invitation(["WATCHDOG_USEC": "1000000"]) == nil)
        #expect(ServiceManager(nil).notify(("READY", "1")) == false)
    }

    @Test func anAddressThatIsNoUnixSocketIsNoInvitation() {
        for address in ["", "/", "@", "relative", "vsock:2:1"] {
            #expect(invitation(["NOTIFY_SOCKET": address]) == nil, "\(address)")
        }
    }

    @Test func theWatchdogIsOnlyObeyedByTheProcessItIsMeantFor() {
        let variables = ["NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"]
        #expect(invitation(variables)?.watchdog == .seconds(30))
        #expect(invitation(variables, processID: 8) == ServiceManager.Invitation(address: "/n"))
        for text in ["0", "-1", "soon", "99999999999999999999"] {
            #expect(invitation(["NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": text])?.watchdog == nil, "\(text)")
        }
        #expect(invitation(["NOTIFY_SOCKET": "/n", "WATCHDOG_USEC": "2000000"])?.watchdog == .seconds(2))
    }

    @Test func messagesReachASocketAtAPathAndAnAbstractOne() throws {
        let folder = try TemporaryDirectory()
        for address in ["\(folder.path)/notify", "@swiftlet-test-\(folder.path)"] {
            let receiver = try DatagramReceiver(address)
            let manager = ServiceManager(.init(address: address))
            #expect(manager.notify(("READY", "1"), ("STATUS", "2 pods, 1 ready"), waits: true))
            #expect(receiver.nextText() == "READY=1\nSTATUS=2 pods, 1 ready\n")
            #expect(receiver.next() == nil)
        }
    }

    @Test func aValueCannotAddAnAssignmentOfItsOwn() throws {
        let folder = try TemporaryDirectory()
        let receiver = try DatagramReceiver("\(folder.path)/notify")
        ServiceManager(.init(address: "\(folder.path)/notify")).notify(("STATUS", "a\nMAINPID=1"))
        #expect(receiver.nextText() == "STATUS=a MAINPID=1\n")
    }

    @Test func aManagerThatIsGoneOrDoesNotReadHoldsNobodyUp() throws {
        let folder = try TemporaryDirectory()
        let manager = ServiceManager(.init(address: "\(folder.path)/notify"))
        #expect(!manager.notify(("WATCHDOG", "1")))
        let receiver = try DatagramReceiver("\(folder.path)/notify")
        // The receiver's queue is bounded, and this returns.
        var sent = 0
        while sent < 100_000, manager.notify(("WATCHDOG", "1")) { sent += 1 }
        #expect(sent < 100_000)
        #expect(receiver.next() != nil)
        #expect(manager.notify(("WATCHDOG", "1")))
    }

    @Test func noProgramThatIsStartedLaterSeesTheInvitation() async {
        await #expect(processExitsWith: .success) {
            setenv("NOTIFY_SOCKET", "/nobody", 1)
            setenv("WATCHDOG_USEC", "1000000", 1)
            setenv("WATCHDOG_PID", "\(getpid())", 1)
            let manager = ServiceManager.ofEnvironment()
            precondition(manager.invitation?.watchdog == .seconds(1))
            for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { precondition(getenv(name) == nil) }
        }
    }
}
