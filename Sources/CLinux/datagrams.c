#include "CLinux.h"

#include <stdlib.h>
#include <string.h>

// `@name` is the abstract name; anything else is a path. The size of the address, or 0 when it does not fit.
static socklen_t datagram_address(const char *name, struct sockaddr_un *address) {
    size_t length = strlen(name);
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    if (length < 2 || length >= sizeof address->sun_path) return 0;
    memcpy(address->sun_path, name, length);
    if (name[0] != '@') return (socklen_t)sizeof *address;
    address->sun_path[0] = 0;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

int swl_unix_datagram(const char *address) {
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    struct sockaddr_un name;
    socklen_t size = address ? datagram_address(address, &name) : 0;
    if (address && !size) errno = EINVAL;
    if (!address || (size && bind(fd, (struct sockaddr *)&name, size) == 0)) {
        // Who sends and is to wait, waits no longer than this.
        struct timeval patience = {.tv_sec = 5};
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        return fd;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int swl_send_datagram(int fd, const char *address, const void *bytes, size_t count, int waits) {
    struct sockaddr_un name;
    socklen_t size = datagram_address(address, &name);
    if (!size) {
        errno = EINVAL;
        return -1;
    }
    ssize_t n = sendto(fd, bytes, count, MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT), (struct sockaddr *)&name, size);
    return n < 0 ? -1 : 0;
}

ssize_t swl_send_now(int fd, const void *bytes, size_t count) {
    return send(fd, bytes, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}
