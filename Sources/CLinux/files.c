#include "CLinux.h"

#include <linux/mount.h>
#include <sys/syscall.h>

int swl_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    int fd;
    // EAGAIN: a rename elsewhere raced with the resolution; the manual asks to try again, and a few times suffice.
    for (int tries = 0; (fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof how)) < 0; tries++)
        if (!(errno == EINTR || (errno == EAGAIN && tries < 64))) break;
    return fd;
}
int swl_open(const char *path, int flags, mode_t mode) { return open(path, flags | O_CLOEXEC, mode); }
int swl_openat(int dirfd, const char *path, int flags, mode_t mode) {
    return openat(dirfd, path, flags | O_CLOEXEC, mode);
}
int swl_fcntl(int fd, int command, long argument) { return fcntl(fd, command, argument); }
int swl_ioctl_ptr(int fd, unsigned long request, void *argument) { return ioctl(fd, request, argument); }
int swl_ioctl_int(int fd, unsigned long request, long argument) { return ioctl(fd, request, argument); }
int swl_open_tree(int dirfd, const char *path, unsigned flags) {
    return (int)syscall(SYS_open_tree, dirfd, path, flags | OPEN_TREE_CLOEXEC);
}
int swl_move_mount(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned flags) {
    return (int)syscall(SYS_move_mount, from_dirfd, from, to_dirfd, to, flags);
}
int swl_fsopen(const char *type, unsigned flags) { return (int)syscall(SYS_fsopen, type, flags | FSOPEN_CLOEXEC); }
int swl_fsconfig(int fd, unsigned command, const char *key, const void *value, int aux) {
    return (int)syscall(SYS_fsconfig, fd, command, key, value, aux);
}
int swl_fsmount(int fd, unsigned flags, unsigned attributes) {
    return (int)syscall(SYS_fsmount, fd, flags | FSMOUNT_CLOEXEC, attributes);
}
int swl_mount_setattr(int dirfd, const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation,
                      int userns_fd) {
    struct mount_attr attr = {.attr_set = set, .attr_clr = clear, .propagation = propagation};
    if (userns_fd >= 0) {
        attr.attr_set |= MOUNT_ATTR_IDMAP;
        attr.userns_fd = (uint64_t)userns_fd;
    }
    return (int)syscall(SYS_mount_setattr, dirfd, path, flags, &attr, sizeof attr);
}
int swl_renameat2(int olddir, const char *old, int newdir, const char *new_, unsigned flags) {
    return (int)syscall(SYS_renameat2, olddir, old, newdir, new_, flags);
}
int swl_memfd_create(const char *name, unsigned flags) { return (int)syscall(SYS_memfd_create, name, flags); }
dev_t swl_makedev(unsigned major_, unsigned minor_) { return makedev(major_, minor_); }
unsigned swl_major(dev_t device) { return major(device); }
unsigned swl_minor(dev_t device) { return minor(device); }
bool swl_is_dir(mode_t mode) { return S_ISDIR(mode); }
bool swl_is_regular(mode_t mode) { return S_ISREG(mode); }
bool swl_is_symlink(mode_t mode) { return S_ISLNK(mode); }
bool swl_is_char(mode_t mode) { return S_ISCHR(mode); }
bool swl_is_block(mode_t mode) { return S_ISBLK(mode); }
bool swl_is_fifo(mode_t mode) { return S_ISFIFO(mode); }
bool swl_is_socket(mode_t mode) { return S_ISSOCK(mode); }
long swl_getcwd(char *buffer, size_t size) { return syscall(SYS_getcwd, buffer, size); }
int64_t swl_filesystem_magic(int fd) {
    struct statfs status;
    return fstatfs(fd, &status) < 0 ? -1 : (int64_t)status.f_type;
}
