// The least that attaching a container costs: a veth pair between its namespace and a bridge, address and default route,
// a lease file, nftables elements; by one process that keeps its sockets open and is never started anew. Beside it a
// chain of plugins is measured (scripts/bench-cni).
//
// Argument: the folder of leases. It makes bridge and ruleset in the network namespace that it is started in, then reads
// lines and answers each with nanoseconds: of all, and of nftables alone.
//
//     add INDEX PORTS NETNS    an address, and PORTS of the host's ports lead to it
//     del INDEX PORTS live     elements, lease and link away
//     del INDEX PORTS gone     the same without the link: the kernel removes it with its namespace
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BRIDGE "floor0"
enum { network = 0x0a580000, prefix = 20, first_port = 20000, most_ports = 4000 };

static const char setup[] =
    "ip link add " BRIDGE " type bridge forward_delay 0 && ip addr add 10.88.0.1/20 dev " BRIDGE
    " && ip link set " BRIDGE " up && nft -f - <<END\n"
    "table inet floor {\n"
    "map ports { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
    "set pods { type ipv4_addr; }\n"
    "chain to_pods { meta nfproto ipv4 dnat ip to meta l4proto . th dport map @ports; }\n"
    "chain from_outside { type nat hook prerouting priority -100; fib daddr type local jump to_pods; }\n"
    "chain from_here { type nat hook output priority -100; fib daddr type local jump to_pods; }\n"
    "chain to_outside { type nat hook postrouting priority 100; ip saddr @pods ip daddr != 10.88.0.0/20 masquerade; }\n"
    "}\nEND\n";

static void fail(const char *what, int error) {
    fprintf(stderr, "cni-floor: %s: %s\n", what, strerror(error));
    exit(1);
}

static long now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000L + time.tv_nsec;
}

// ---- messages

static char buffer[1 << 20] __attribute__((aligned(8)));
static size_t used;
static struct nlmsghdr *message;
static int acknowledged;

static void begin(int type, int flags, const void *header, size_t size) {
    message = (struct nlmsghdr *)(buffer + used);
    *message = (struct nlmsghdr){.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = 1};
    message->nlmsg_len = NLMSG_LENGTH(size);
    memcpy(NLMSG_DATA(message), header, size);
    used += NLMSG_ALIGN(message->nlmsg_len);
    if (flags & NLM_F_ACK) acknowledged++;
}

static struct nlattr *put(int type, const void *bytes, size_t size) {
    struct nlattr *attribute = (struct nlattr *)(buffer + used);
    attribute->nla_type = type;
    attribute->nla_len = NLA_HDRLEN + size;
    if (size) memcpy((char *)attribute + NLA_HDRLEN, bytes, size);
    used += NLA_ALIGN(attribute->nla_len);
    message->nlmsg_len = buffer + used - (char *)message;
    return attribute;
}

static struct nlattr *nest(int type) { return put(type | NLA_F_NESTED, NULL, 0); }
static void close_nest(struct nlattr *attribute) { attribute->nla_len = buffer + used - (char *)attribute; }
static void text(int type, const char *value) { put(type, value, strlen(value) + 1); }

static int netlink(int family) {
    int socket_ = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    if (socket_ < 0 || bind(socket_, (struct sockaddr *)&address, sizeof address)) fail("netlink", errno);
    int size = 2 * sizeof buffer;
    setsockopt(socket_, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    return socket_;
}

// Sends what was put and waits until all of it is done.
static void perform(int socket_, const char *what) {
    static char answer[65536];
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (sendto(socket_, buffer, used, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0) fail(what, errno);
    used = 0;
    while (acknowledged > 0) {
        ssize_t count = recv(socket_, answer, sizeof answer, 0);
        if (count < 0) fail(what, errno);
        for (struct nlmsghdr *one = (void *)answer; NLMSG_OK(one, count); one = NLMSG_NEXT(one, count)) {
            if (one->nlmsg_type != NLMSG_ERROR) continue;
            int error = ((struct nlmsgerr *)NLMSG_DATA(one))->error;
            if (error) fail(what, -error);
            acknowledged--;
        }
    }
}

// ---- nftables

static void mark(int type) {
    struct nfgenmsg header = {.version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
    begin(type, 0, &header, sizeof header);
}

static struct nlattr *begin_elements(int type, const char *set) {
    struct nfgenmsg header = {.nfgen_family = NFPROTO_INET, .version = NFNETLINK_V0};
    begin(NFNL_SUBSYS_NFTABLES << 8 | type, NLM_F_CREATE | NLM_F_ACK, &header, sizeof header);
    text(NFTA_SET_ELEM_LIST_TABLE, "floor");
    text(NFTA_SET_ELEM_LIST_SET, set);
    return nest(NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void put_element(const void *key, size_t size, const void *value, size_t value_size) {
    struct nlattr *element = nest(NFTA_LIST_ELEM), *inner = nest(NFTA_SET_ELEM_KEY);
    put(NFTA_DATA_VALUE, key, size);
    close_nest(inner);
    if (value_size) {
        inner = nest(NFTA_SET_ELEM_DATA);
        put(NFTA_DATA_VALUE, value, value_size);
        close_nest(inner);
    }
    close_nest(element);
}

static void change_elements(int socket_, int type, int index, int ports, in_addr_t address) {
    mark(NFNL_MSG_BATCH_BEGIN);
    // A list is an attribute: at most 64 KiB.
    for (int done = 0; done < ports;) {
        struct nlattr *list = begin_elements(type, "ports");
        for (int n = 0; n < 500 && done < ports; n++, done++) {
            unsigned short key[4] = {0}, value[4] = {0};
            *(unsigned char *)key = IPPROTO_TCP;
            key[2] = htons(first_port + index + done);
            memcpy(value, &address, sizeof address);
            value[2] = htons(80 + done);
            put_element(key, sizeof key, value, type == NFT_MSG_NEWSETELEM ? sizeof value : 0);
        }
        close_nest(list);
    }
    struct nlattr *list = begin_elements(type, "pods");
    put_element(&address, sizeof address, NULL, 0);
    close_nest(list);
    mark(NFNL_MSG_BATCH_END);
    perform(socket_, "elements");
}

// ---- the work

static int home, route, tables, lock;
static unsigned bridge;
static const char *leases;

static void lease(in_addr_t address, int wanted) {
    char path[4096], name[INET_ADDRSTRLEN];
    snprintf(path, sizeof path, "%s/%s", leases, inet_ntop(AF_INET, &address, name, sizeof name));
    if (!wanted) {
        if (unlink(path)) fail(path, errno);
        return;
    }
    flock(lock, LOCK_EX);
    int file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0 || write(file, "container\r\neth0", 15) != 15) fail(path, errno);
    close(file);
    flock(lock, LOCK_UN);
}

static void make_link(const char *name, int namespace) {
    struct ifinfomsg header = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP}, peer = {.ifi_index = 2};
    begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &header, sizeof header);
    text(IFLA_IFNAME, name);
    put(IFLA_MASTER, &bridge, sizeof bridge);
    struct nlattr *info = nest(IFLA_LINKINFO);
    put(IFLA_INFO_KIND, "veth", 4);
    struct nlattr *data = nest(IFLA_INFO_DATA), *other = nest(VETH_INFO_PEER);
    // The peer's header stands before its attributes.
    memcpy(buffer + used, &peer, sizeof peer);
    used += NLMSG_ALIGN(sizeof peer);
    text(IFLA_IFNAME, "eth0");
    put(IFLA_NET_NS_FD, &namespace, sizeof namespace);
    close_nest(other);
    close_nest(data);
    close_nest(info);
    perform(route, "veth");
}

// In the container's namespace: link 1 is lo, link 2 the peer.
static void configure(int namespace, in_addr_t address) {
    if (setns(namespace, CLONE_NEWNET)) fail("setns", errno);
    int inside = netlink(NETLINK_ROUTE);
    if (setns(home, CLONE_NEWNET)) fail("setns", errno);
    for (int index = 1; index <= 2; index++) {
        struct ifinfomsg link = {.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
        begin(RTM_NEWLINK, NLM_F_ACK, &link, sizeof link);
    }
    struct ifaddrmsg own = {.ifa_family = AF_INET, .ifa_prefixlen = prefix, .ifa_index = 2};
    begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &own, sizeof own);
    put(IFA_LOCAL, &address, sizeof address);
    put(IFA_ADDRESS, &address, sizeof address);
    struct rtmsg everything = {
        .rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN, .rtm_protocol = RTPROT_BOOT, .rtm_type = RTN_UNICAST};
    begin(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, &everything, sizeof everything);
    in_addr_t gateway = htonl(network + 1);
    put(RTA_GATEWAY, &gateway, sizeof gateway);
    perform(inside, "address and route");
    close(inside);
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    leases = arguments[1];
    if (system(setup)) return 1;
    bridge = if_nametoindex(BRIDGE);
    home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    route = netlink(NETLINK_ROUTE);
    tables = netlink(NETLINK_NETFILTER);
    char line[4096], command[8], rest[4000];
    snprintf(line, sizeof line, "%s/lock", leases);
    lock = open(line, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (!bridge || home < 0 || lock < 0) fail("start", errno);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        int index, ports;
        if (sscanf(line, "%7s %d %d %3999s", command, &index, &ports, rest) != 4 || ports > most_ports) return 2;
        char name[IFNAMSIZ];
        snprintf(name, sizeof name, "f%d", index);
        in_addr_t address = htonl(network + 2 + index);
        long start = now(), tables_start;
        if (!strcmp(command, "add")) {
            int namespace = open(rest, O_RDONLY | O_CLOEXEC);
            if (namespace < 0) fail(rest, errno);
            lease(address, 1);
            make_link(name, namespace);
            configure(namespace, address);
            close(namespace);
            tables_start = now();
            change_elements(tables, NFT_MSG_NEWSETELEM, index, ports, address);
        } else {
            if (!strcmp(rest, "live")) {
                struct ifinfomsg link = {0};
                begin(RTM_DELLINK, NLM_F_ACK, &link, sizeof link);
                text(IFLA_IFNAME, name);
                perform(route, "remove the link");
            }
            lease(address, 0);
            tables_start = now();
            change_elements(tables, NFT_MSG_DELSETELEM, index, ports, address);
        }
        long end = now();
        printf("%ld %ld\n", end - start, end - tables_start);
        fflush(stdout);
    }
    return 0;
}
