#include "CLinux.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A path that does not fit sun_path is reached as /proc/self/fd/N/name with N its opened folder.
static int unix_address(const char *path, struct sockaddr_un *address, int *folder) {
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    *folder = -1;
    if (strlen(path) < sizeof address->sun_path) {
        strcpy(address->sun_path, path);
        return 0;
    }
    const char *slash = strrchr(path, '/');
    if (!slash) {
        errno = ENAMETOOLONG;
        return -1;
    }
    char *parent = strndup(path, (size_t)(slash - path));
    if (!parent) return -1;
    *folder = open(*parent ? parent : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    free(parent);
    if (*folder < 0) return -1;
    int n = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", *folder, slash + 1);
    if (n < 0 || (size_t)n >= sizeof address->sun_path) {
        close(*folder);
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

int swl_unix_socket(const char *path, int listening, int nonblocking) {
    struct sockaddr_un address;
    int folder;
    if (unix_address(path, &address, &folder) < 0) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);
    int r = fd;
    if (fd >= 0) {
        // The socket file is made with the socket's own mode: never open to others, not even for a moment.
        if (listening) fchmod(fd, 0600);
        r = listening ? bind(fd, (struct sockaddr *)&address, sizeof address)
                      : connect(fd, (struct sockaddr *)&address, sizeof address);
        if (r == 0 && listening) r = listen(fd, 128);
    }
    int saved = errno;
    if (folder >= 0) close(folder);
    if (r < 0 && fd >= 0) close(fd);
    errno = saved;
    return r < 0 ? -1 : fd;
}

int swl_tcp_connect(const void *address, socklen_t length) {
    const struct sockaddr *target = address;
    int fd = socket(target->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, target, length) == 0 || errno == EINPROGRESS || errno == EINTR) return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

struct dial {
    int namespace, v6, fd, error;
    uint16_t port;
};

static int dial_loopback(const struct dial *dial) {
    struct sockaddr_in v4 = {
        .sin_family = AF_INET, .sin_port = htons(dial->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(dial->port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    return dial->v6 ? swl_tcp_connect(&v6, sizeof v6) : swl_tcp_connect(&v4, sizeof v4);
}

static void *dial_inside(void *argument) {
    struct dial *dial = argument;
    dial->fd = setns(dial->namespace, CLONE_NEWNET) < 0 ? -1 : dial_loopback(dial);
    dial->error = errno;
    return NULL;
}

int swl_dial_loopback(int namespace, uint16_t port, int v6) {
    struct dial dial = {.namespace = namespace, .v6 = v6, .fd = -1, .port = port};
    if (namespace < 0) return dial_loopback(&dial);
    // A thread of its own, so that none is ever left in another namespace.
    pthread_t thread;
    if ((errno = pthread_create(&thread, NULL, dial_inside, &dial))) return -1;
    pthread_join(thread, NULL);
    errno = dial.error;
    return dial.fd;
}

int swl_tcp_listen(const char *address, uint16_t *port) {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } place = {0};
    socklen_t length = sizeof place.v4;
    if (inet_pton(AF_INET, address, &place.v4.sin_addr) == 1) {
        place.v4.sin_family = AF_INET;
        place.v4.sin_port = htons(*port);
    } else if (inet_pton(AF_INET6, address, &place.v6.sin6_addr) == 1) {
        place.v6.sin6_family = AF_INET6;
        place.v6.sin6_port = htons(*port);
        length = sizeof place.v6;
    } else {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, &place.any, length) == 0 && listen(fd, 128) == 0 && getsockname(fd, &place.any, &length) == 0) {
        *port = ntohs(place.any.sa_family == AF_INET ? place.v4.sin_port : place.v6.sin6_port);
        return fd;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int swl_socket_error(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

int swl_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

int swl_peer_credentials(int fd, pid_t *pid, uid_t *uid, gid_t *gid) {
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return -1;
    *pid = credentials.pid;
    *uid = credentials.uid;
    *gid = credentials.gid;
    return 0;
}

int swl_peer_groups(int fd, gid_t *groups, int count) {
    socklen_t size = (socklen_t)count * sizeof *groups;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0) return -1;
    return (int)(size / sizeof *groups);
}

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int swl_peer_pidfd(int fd) {
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    return getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) < 0 ? -1 : pidfd;
}

int swl_send_fd(int socket_, int fd) {
    char byte = 0;
    struct iovec iov = {&byte, 1};
    union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    return sendmsg(socket_, &message, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

int swl_receive_fd(int socket_) {
    char byte;
    struct iovec iov = {&byte, 1};
    union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int))]; } control;
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n;
    do n = recvmsg(socket_, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0) return -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (n == 0 || !c || c->cmsg_type != SCM_RIGHTS) {
        errno = EPROTO;
        return -1;
    }
    int fd;
    memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

static int change_interface(const char *name, int set, int clear) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    int r = ioctl(fd, SIOCGIFFLAGS, &request);
    if (r == 0) {
        request.ifr_flags = (short)((request.ifr_flags | set) & ~clear);
        r = ioctl(fd, SIOCSIFFLAGS, &request);
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return r;
}

int swl_interface_up(const char *name) { return change_interface(name, IFF_UP | IFF_RUNNING, 0); }
int swl_interface_down(const char *name) { return change_interface(name, 0, IFF_UP); }

struct namespace_request { const char *path; int step, error; };

static int write_setting(const char *path, const char *value) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t n = write(fd, value, strlen(value));
    int saved = errno;
    close(fd);
    errno = saved;
    return n < 0 ? -1 : 0;
}

static void *make_namespace(void *argument) {
    struct namespace_request *request = argument;
    request->step = 1;
    if (unshare(CLONE_NEWNET) < 0) goto failed;
    request->step = 2;
    if (swl_interface_up("lo") < 0) goto failed;
    request->step = 3;
    if (write_setting("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0") < 0 ||
        write_setting("/proc/sys/net/ipv4/ping_group_range", "0 2147483647") < 0)
        goto failed;
    request->step = 4;
    if (mount("/proc/thread-self/ns/net", request->path, NULL, MS_BIND, NULL) < 0) goto failed;
    request->error = 0;
    return NULL;
failed:
    request->error = errno;
    return NULL;
}

int swl_make_network_namespace(const char *path, int *failed_step) {
    struct namespace_request request = {.path = path};
    pthread_t thread;
    int error = pthread_create(&thread, NULL, make_namespace, &request);
    if (!error) {
        pthread_join(thread, NULL);
        error = request.error;
    }
    *failed_step = request.step;
    errno = error;
    return error ? -1 : 0;
}

int swl_open_pty(int devpts_dirfd, int *slave) {
    int master = openat(devpts_dirfd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0) return -1;
    int unlock = 0;
    if (ioctl(master, TIOCSPTLCK, &unlock) < 0 ||
        (*slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
        int saved = errno;
        close(master);
        errno = saved;
        return -1;
    }
    return master;
}
int swl_set_window_size(int fd, unsigned short rows, unsigned short columns) {
    struct winsize size = {.ws_row = rows, .ws_col = columns};
    return ioctl(fd, TIOCSWINSZ, &size);
}
int swl_get_window_size(int fd, unsigned short *rows, unsigned short *columns) {
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) < 0) return -1;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}
int swl_set_controlling_terminal(int fd) { return ioctl(fd, TIOCSCTTY, 0); }

int swl_socketpair(int ends[2]) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) return -1;
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}
