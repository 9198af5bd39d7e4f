import Base
import JSON
import Kube
import Testing

@testable import CLI

/// A pod whose status is given as JSON.
func pod(
    _ status: String, containers: Int = 1, initContainers: Int = 0, deleted: Bool = false
) throws -> Pod {
    func list(_ prefix: String, _ count: Int) -> JSONValue {
        .array((0..<count).map { ["name": .string("\(prefix)\($0)"), "image": "busybox"] })
    }
    var metadata = JSONObject([.init(key: "name", value: "web"), .init(key: "namespace", value: "default")])
    if deleted { metadata.append("deletionTimestamp", "2026-01-01T00:00:00Z") }
    return Pod([
        "apiVersion": "v1", "kind": "Pod", "metadata": .object(metadata),
        "spec": ["containers": list("c", containers), "initContainers": list("i", initContainers)],
        "status": try JSONParser.parse(Array(status.utf8)),
    ])
}

@Suite struct PodSummaryTests {
    static let running = #"{"name":"c0","ready":true,"restartCount":0,"state":{"running":{}}}"#
    static let initialized = #""conditions":[{"type":"Initialized","status":"True"},{"type":"Ready","status":"True"}]"#

    func summary(_ status: String, _ containers: Int = 1, _ initContainers: Int = 0, deleted: Bool = false) throws
        -> PodSummary
    {
        PodSummary(try pod(status, containers: containers, initContainers: initContainers, deleted: deleted))
    }

    func containerState(_ state: String, ready: Bool = false) -> String {
        #"{"phase":"Running","containerStatuses":[{"name":"c0","ready":\#(ready),"restartCount":0,"state":\#(state)}]}"#
    }

    @Test(arguments: [
        (#"{"waiting":{"reason":"ContainerCreating"}}"#, "ContainerCreating"),
        (#"{"waiting":{"reason":"CrashLoopBackOff"}}"#, "CrashLoopBackOff"),
        (#"{"waiting":{}}"#, "Running"),
        (#"{"terminated":{"exitCode":0,"reason":"Completed"}}"#, "Completed"),
        (#"{"terminated":{"exitCode":137,"reason":"OOMKilled"}}"#, "OOMKilled"),
        (#"{"terminated":{"exitCode":3}}"#, "ExitCode:3"),
        (#"{"terminated":{"exitCode":137,"signal":9}}"#, "Signal:9"),
    ])
    func theStatusIsThatOfTheContainer(state: String, status: String) throws {
        #expect(try summary(containerState(state)).status == status)
    }

    @Test(arguments: [
        (#"{"running":{}}"#, "Init:0/2"), (#"{"waiting":{"reason":"PodInitializing"}}"#, "Init:0/2"),
        (#"{"waiting":{"reason":"ErrImagePull"}}"#, "Init:ErrImagePull"),
        (#"{"terminated":{"exitCode":1,"reason":"Error"}}"#, "Init:Error"),
        (#"{"terminated":{"exitCode":4}}"#, "Init:ExitCode:4"),
    ])
    func initContainersComeFirst(state: String, status: String) throws {
        let text =
            #"{"phase":"Pending","initContainerStatuses":[{"name":"i0","restartCount":2,"state":\#(state)}],"#
            + #""containerStatuses":[{"name":"c0","restartCount":0,"state":{"waiting":{"reason":"PodInitializing"}}}]}"#
        let result = try summary(text, 1, 2)
        #expect(result.status == status && result.restarts == 2 && result.readyText == "0/1")
    }

    @Test func theSecondInitContainerIsCounted() throws {
        let text = #"""
            {"phase":"Pending","initContainerStatuses":[
              {"name":"i0","restartCount":0,"state":{"terminated":{"exitCode":0,"reason":"Completed"}}},
              {"name":"i1","restartCount":0,"state":{"running":{}}}]}
            """#
        #expect(try summary(text, 1, 2).status == "Init:1/2")
    }

    @Test func partOfThePodMayHaveEnded() throws {
        let done =
            #"{"name":"c1","ready":false,"restartCount":0,"state":{"terminated":{"exitCode":0,"reason":"Completed"}}}"#
        let ready = #"{"phase":"Running",\#(Self.initialized),"containerStatuses":[\#(done),\#(Self.running)]}"#
        #expect(try summary(ready, 2).status == "Running")
        let notReady = #"{"phase":"Running","containerStatuses":[\#(done),\#(Self.running)]}"#
        #expect(try summary(notReady, 2).status == "NotReady")
        #expect(try summary(notReady, 2).readyText == "1/2")
    }

    @Test func deletionAndReasonsOfThePodShow() throws {
        #expect(
            try summary(#"{"phase":"Running","containerStatuses":[\#(Self.running)]}"#, deleted: true).status
                == "Terminating")
        #expect(try summary(#"{"phase":"Succeeded"}"#, deleted: true).status == "Succeeded")
        #expect(try summary(#"{"phase":"Failed","reason":"Evicted"}"#).status == "Evicted")
        #expect(try summary("{}").status == "Unknown")
    }

    @Test func restartsTellWhenTheLastWas() throws {
        let text = #"""
            {"phase":"Running","containerStatuses":[{"name":"c0","ready":true,"restartCount":2,"state":{"running":{}},
            "lastState":{"terminated":{"exitCode":1,"finishedAt":"2026-01-01T00:00:00Z"}}}]}
            """#
        let now = try #require(Timestamp(rfc3339: "2026-01-01T00:00:30Z"))
        #expect(try summary(text).restartsText(now) == "2 (30s ago)")
        #expect(try summary(#"{"phase":"Running"}"#).restartsText(now) == "0")
    }
}

@Suite struct PodDescriptionTests {
    @Test func aPodIsLaidOutAsKubectlDoes() throws {
        let text = #"""
            {"apiVersion":"v1","kind":"Pod",
             "metadata":{"name":"web-node","namespace":"default","uid":"u1","labels":{"app":"web","tier":"front"}},
             "spec":{"nodeName":"node","volumes":[{"name":"data","emptyDir":{"medium":"Memory","sizeLimit":"64Mi"}},
               {"name":"host","hostPath":{"path":"/srv","type":"Directory"}}],
              "containers":[{"name":"main","image":"busybox","command":["sh","-c"],"args":["echo a\necho b"],
               "ports":[{"containerPort":80,"protocol":"TCP"}],
               "env":[{"name":"A","value":"1"},{"name":"NAME","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}],
               "resources":{"limits":{"cpu":"100m","memory":"64Mi"}},
               "volumeMounts":[{"name":"host","mountPath":"/srv","readOnly":true},{"name":"data","mountPath":"/data"}]}]},
             "status":{"phase":"Running","hostIP":"10.0.0.1","podIP":"10.0.0.1","podIPs":[{"ip":"10.0.0.1"}],
              "startTime":"2026-01-01T00:00:00Z","qosClass":"Burstable",
              "conditions":[{"type":"Initialized","status":"True"},{"type":"Ready","status":"False"}],
              "containerStatuses":[{"name":"main","image":"busybox","imageID":"sha256:1","containerID":"swiftlet://c1",
               "ready":true,"restartCount":1,"state":{"running":{"startedAt":"2026-01-01T00:01:00Z"}},
               "lastState":{"terminated":{"exitCode":137,"reason":"OOMKilled","message":"\u001b[2Jbad",
                "startedAt":"2026-01-01T00:00:00Z","finishedAt":"2026-01-01T00:00:30Z"}}}]}}
            """#
        let pod = Pod(try JSONParser.parse(Array(text.utf8)))
        let now = try #require(Timestamp(rfc3339: "2026-01-01T00:05:00Z"))
        var event = Event(
            metadata: ObjectMeta(), involvedObject: ObjectReference(), type: .warning, reason: "BackOff",
            message: "Back-off restarting failed container",
            at: Timestamp(nanoseconds: now.nanoseconds - 60_000_000_000),
            component: "kubelet", host: "node")
        event.count = 3
        #expect(
            PodDescription(pod, [event], now: now, utc: true).text == """
                Name:         web-node
                Namespace:    default
                Node:         node/10.0.0.1
                Start Time:   Thu, 01 Jan 2026 00:00:00 +0000
                Labels:       app=web
                              tier=front
                Annotations:  <none>
                Status:       Running
                IP:           10.0.0.1
                IPs:
                  IP:  10.0.0.1
                Containers:
                  main:
                    Container ID:  swiftlet://c1
                    Image:         busybox
                    Image ID:      sha256:1
                    Port:          80/TCP
                    Host Port:     0/TCP
                    Command:
                      sh
                      -c
                    Args:
                      echo a
                      echo b
                    State:          Running
                      Started:      Thu, 01 Jan 2026 00:01:00 +0000
                    Last State:     Terminated
                      Reason:       OOMKilled
                      Message:      \\u{1b}[2Jbad
                      Exit Code:    137
                      Started:      Thu, 01 Jan 2026 00:00:00 +0000
                      Finished:     Thu, 01 Jan 2026 00:00:30 +0000
                    Ready:          True
                    Restart Count:  1
                    Limits:
                      cpu:     100m
                      memory:  64Mi
                    Environment:
                      A:     1
                      NAME:   (v1:metadata.name)
                    Mounts:
                      /data from data (rw)
                      /srv from host (ro)
                Conditions:
                  Type         Status
                  Initialized  True\u{20}
                  Ready        False\u{20}
                Volumes:
                  data:
                    Type:       EmptyDir (a temporary directory that shares a pod's lifetime)
                    Medium:     Memory
                    SizeLimit:  64Mi
                  host:
                    Type:          HostPath (bare host directory volume)
                    Path:          /srv
                    HostPathType:  Directory
                QoS Class:         Burstable
                Events:
                  Type     Reason   Age                From     Message
                  ----     ------   ----               ----     -------
                  Warning  BackOff  60s (x3 over 60s)  kubelet  Back-off restarting failed container

                """)
    }

    @Test func probesAreShownAsKubectlShowsThem() throws {
        let text = #"""
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i",
             "livenessProbe":{"httpGet":{"port":8080}},
             "readinessProbe":{"exec":{"command":["cat","/tmp/x"]},"periodSeconds":3,"successThreshold":2},
             "startupProbe":{"tcpSocket":{"port":"db"},"initialDelaySeconds":4,"failureThreshold":30}},
             {"name":"d","image":"i","livenessProbe":{"grpc":{"port":9,"service":"db"}}}]}}
            """#
        let page = PodDescription(Pod(try JSONParser.parse(Array(text.utf8))), [], now: Timestamp(nanoseconds: 0)).text
        let numbers = "timeout=1s period=10s #success=1"
        for line in [
            "Liveness:      http-get http://:8080/ delay=0s \(numbers) #failure=3",
            "Readiness:     exec [cat /tmp/x] delay=0s timeout=1s period=3s #success=2 #failure=3",
            "Liveness:      grpc <pod>:9 db delay=0s \(numbers) #failure=3",
            "Startup:       tcp-socket :db delay=4s \(numbers) #failure=30",
        ] { #expect(page.contains(line), "\(page)") }
    }
}
