import Base
import HTTP
import HTTPClient
import Kube

/// Hooks of the pod's containers.
extension PodSandbox {
    public func runHook(
        _ hook: Hook, container name: String, attempt: Int, _ completion: @escaping @LoopActor (HookOutcome) -> Void
    ) {
        if let running = hooks[name], running.hook == hook, running.attempt == attempt { return }
        cancelHook(container: name)
        let run = HookRun(hook, attempt: attempt, loop: node.loop) { [weak self] result in
            guard let self else { return }
            hooks[name] = nil
            guard case .failure(let failure) = result else { return completion(.done) }
            if failure.isLoss { return completion(.lost) }
            node.log.warning("pod \(pod.fullName): the \(hook.rawValue) hook of container \(name) failed: \(failure)")
            completion(.failed)
        }
        hooks[name] = run
        guard let container = (pod.spec.initContainers + pod.spec.containers).first(where: { $0.name == name }),
            let handler = hook == .postStart ? container.lifecycle?.postStart : container.lifecycle?.preStop
        else { return run.fail("there is none") }
        if let exec = handler.exec {
            run.exec(exec.command, in: name, by: client)
        } else if let request = handler.httpGet {
            get(request, of: container, run)
        } else if let sleep = handler.sleep {
            run.sleep(sleep.seconds)
        } else {
            // As the kubelet sees `tcpSocket`.
            run.fail("invalid handler")
        }
    }

    private func get(_ action: HTTPGetAction, of container: Container, _ run: HookRun) {
        guard let host = action.host ?? probedAddress else { return run.fail("the pod has no address") }
        guard let port = action.port.number(in: container) else {
            return run.fail("couldn't find port \"\(action.port)\"")
        }
        do throws(HTTPError) {
            let url = try HTTPURL(isSecure: action.scheme == .https, host: host, port: port, path: action.path)
            run.get(url, action.httpHeaders, trust: node.probeTrust, work: LoopWork(node.pool))
        } catch {
            run.fail("the URL of \(host) cannot be asked: \(error.message)")
        }
    }

    public func cancelHook(container: String) { hooks.removeValue(forKey: container)?.cancel() }
}
