import CLinux
import Kube

/// `cp`: copies files and folders between this machine and a container.
enum CopyCommand {
    static let command = Command(
        "cp", "SOURCE DESTINATION", "copy files and folders to and from containers", count: 2...2,
        options: [
            Option("container", "c", value: "NAME", "the container, when the pod has several"),
            Option("no-preserve", nil, "do not take over permissions"),
            GetCommand.namespace,
        ],
        details: """
            swiftlet cp page.html web:/srv/www/     into a folder of the container
            swiftlet cp web:/var/log ./logs         a folder, as ./logs or into it
            swiftlet cp other/db:/dump.sql .        of a pod in namespace other

            One side is [NAMESPACE/]POD:PATH; a path of this machine with a colon is written ./a:b. The container needs
            the program tar. From a container come only files and folders, without set-id bits: links and
            devices are passed over.
            """
    ) { (invocation, tool) throws(CLIError) in
        let source = try CopyPlace(invocation.arguments[0])
        let destination = try CopyPlace(invocation.arguments[1])
        guard (source.pod == nil) != (destination.pod == nil), let name = source.pod ?? destination.pod else {
            throw .usage("cp: one of the two places is to be in a pod: POD:PATH")
        }
        var asked = invocation
        if let namespace = source.namespace ?? destination.namespace { asked.options["namespace"] = [namespace] }
        let pod = Pod(try PodName.fetch(name, asked, try tool.agent()))
        let copy = PodCopy(
            tool: tool, pod: pod, container: try PodName.container(invocation["container"], of: pod, tool),
            isPlain: invocation.flag("no-preserve"))
        // A tar that ends early is told by its exit code.
        swl_ignore_signal(SIGPIPE)
        if source.pod == nil {
            try copy.upload(source.path, to: destination.path)
        } else {
            try copy.download(source.path, to: destination.path)
        }
        return 0
    }
}
