#include "CLinux.h"

#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <malloc.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>

pid_t swl_clone3(uint64_t flags, int cgroup, int *pidfd) {
    struct clone_args args = {0};
    int fd = -1;
    args.flags = flags | CLONE_PIDFD;
    args.pidfd = (uint64_t)(uintptr_t)&fd;
    args.exit_signal = SIGCHLD;
    if (cgroup >= 0) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)cgroup;
    }
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    if (pid > 0 && pidfd) *pidfd = fd;
    return pid;
}

// A process that shares this one's memory, which a copy would cost several times what it does. It has a stack of its own,
// behind this; both stay for as long as the memory does, as the process may outlive its parent's interest. It calls
// syscall() alone: errno and whatever else belongs to a thread is that of the thread which started it.
struct side_process {
    int (*main)(struct side_process *);
    int first, second; // Descriptors: all others are closed.
    int linger;
    struct side_process *inner;
    size_t length;
    char request[4096], reply[8192];
};

enum { side_stack = 32 << 10 };

static struct side_process *make_side_process(void) {
    char *memory = mmap(NULL, sizeof(struct side_process) + side_stack, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : (struct side_process *)memory;
}

static int side_main(void *argument) {
    struct side_process *side = argument;
    int result = side->main(side);
    syscall(SYS_exit_group, result);
    return result;
}

static pid_t start_side_process(struct side_process *side, int flags, int *pidfd) {
    // Stacks grow downwards, from a multiple of 16.
    uintptr_t top = ((uintptr_t)side + sizeof *side + side_stack) & ~(uintptr_t)15;
    if (pidfd) flags |= CLONE_PIDFD;
    return clone(side_main, (void *)top, CLONE_VM | SIGCHLD | flags, side, pidfd);
}

// The standard streams too: whoever reads the parent's output waits until nobody holds it.
static void close_others(const struct side_process *side) {
    int low = side->first < side->second ? side->first : side->second;
    int high = side->first < side->second ? side->second : side->first;
    if (low > 0) syscall(SYS_close_range, 0, low - 1, 0);
    if (high > low + 1) syscall(SYS_close_range, low + 1, high - 1, 0);
    syscall(SYS_close_range, high + 1, ~0U, 0);
}

static int netlink_detached_main(struct side_process *side) {
    int socket = side->first, answer = side->second;
    close_others(side);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    int result = 0;
    long n = syscall(SYS_sendto, socket, side->request, side->length, 0, &kernel, sizeof kernel);
    while (n < 0 && errno == EINTR)
        n = syscall(SYS_sendto, socket, side->request, side->length, 0, &kernel, sizeof kernel);
    if (n < 0) {
        result = errno;
    } else {
        const struct nlmsghdr *reply = (struct nlmsghdr *)side->reply;
        do n = syscall(SYS_recvfrom, socket, side->reply, sizeof side->reply, 0, NULL, NULL);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            result = errno;
        else if ((size_t)n < NLMSG_LENGTH(sizeof(struct nlmsgerr)) || reply->nlmsg_type != NLMSG_ERROR)
            result = EPROTO;
        else
            result = -((struct nlmsgerr *)NLMSG_DATA(reply))->error;
    }
    // With the reader gone nobody wants to know.
    swl_ignore_signal(SIGPIPE);
    n = syscall(SYS_write, answer, &result, sizeof result);
    return n == sizeof result ? 0 : 1;
}

pid_t swl_netlink_detached(int protocol, const void *request, size_t length, int *pidfd, int *answer) {
    int ends[2] = {-1, -1};
    struct side_process *side = NULL;
    pid_t pid = -1;
    int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    if (length > sizeof side->request)
        errno = EMSGSIZE;
    else if (netlink >= 0 && pipe2(ends, O_CLOEXEC) == 0 && (side = make_side_process())) {
        side->main = netlink_detached_main;
        side->first = netlink;
        side->second = ends[1];
        side->length = length;
        memcpy(side->request, request, length);
        pid = start_side_process(side, 0, pidfd);
    }
    int error = errno;
    if (netlink >= 0) close(netlink);
    if (ends[1] >= 0) close(ends[1]);
    if (pid >= 0)
        *answer = ends[0];
    else if (ends[0] >= 0)
        close(ends[0]);
    errno = error;
    return pid;
}

static int hold_open_main(struct side_process *side) {
    close_others(side);
    char byte;
    while (syscall(SYS_read, side->second, &byte, 1) < 0 && errno == EINTR) {}
    struct timespec time = {side->linger / 1000, side->linger % 1000 * 1000000L};
    syscall(SYS_ppoll, NULL, 0, &time, NULL, 0);
    return 0;
}

// The holder is this process's child, so that it is nobody's in the program once this one is reaped.
static int hold_open_parent(struct side_process *side) {
    return start_side_process(side->inner, 0, NULL) > 0 ? 0 : 1;
}

int swl_hold_open(int fd, int linger) {
    int ends[2];
    struct side_process *parent = make_side_process(), *holder = make_side_process();
    if (!parent || !holder || pipe2(ends, O_CLOEXEC) < 0) return -1;
    holder->main = hold_open_main;
    holder->first = fd;
    holder->second = ends[0];
    holder->linger = linger;
    parent->main = hold_open_parent;
    parent->inner = holder;
    int pidfd, code = 1, signal;
    // It has ended when this returns.
    pid_t pid = start_side_process(parent, CLONE_VFORK, &pidfd);
    int error = errno;
    close(ends[0]);
    if (pid >= 0) {
        while (swl_wait_pidfd(pidfd, 0, &code, &signal) < 0 && errno == EINTR) {}
        close(pidfd);
        error = EAGAIN;
    }
    if (code == 0) return ends[1];
    close(ends[1]);
    errno = error;
    return -1;
}

// The child of swl_spawn shares the parent's memory until it execs: it may touch only its own stack and what the
// parent prepared for it, and calls nothing that takes a lock.
struct spawn_child {
    const struct swl_spawn_args *args;
    int step, error;
    sigset_t none;
};

static void reset_dispositions(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int s = 1; s <= 64; s++)
        if (s != SIGKILL && s != SIGSTOP && s != 32 && s != 33) sigaction(s, &action, NULL);
}

static void spawn_child_main(struct spawn_child *c) {
    const struct swl_spawn_args *a = c->args;
    reset_dispositions();
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &c->none, NULL, 8);
    c->step = 1;
    if (a->new_session) setsid();
    if (a->parent_death_signal) prctl(PR_SET_PDEATHSIG, a->parent_death_signal, 0, 0, 0);
    int want[3] = {a->stdin_fd, a->stdout_fd, a->stderr_fd};
    for (int i = 0; i < 3; i++) {
        if (want[i] < 0) want[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
        // Also where the parent has closed a standard stream of its own.
        if (want[i] >= 0 && want[i] < 3) want[i] = fcntl(want[i], F_DUPFD_CLOEXEC, 3);
        if (want[i] < 0) goto fail;
    }
    for (int i = 0; i < 3; i++)
        if (dup2(want[i], i) < 0) goto fail;
    if (syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) < 0) goto fail;
    for (int i = 0; i < a->keep_count; i++)
        if (fcntl(a->keep[i], F_SETFD, 0) < 0) goto fail;
    c->step = 2;
    if (a->netns_fd >= 0 && setns(a->netns_fd, CLONE_NEWNET) < 0) goto fail;
    c->step = 3;
    if (a->exec_fd >= 0) syscall(SYS_execveat, a->exec_fd, "", a->argv, a->envp, AT_EMPTY_PATH);
    else execve(a->path, a->argv, a->envp);
fail:
    c->error = errno;
    _exit(127);
}

pid_t swl_spawn(const struct swl_spawn_args *args, int *pidfd, int *failed_step) {
    struct spawn_child child = {.args = args};
    sigemptyset(&child.none);
    int fd = -1;
    struct clone_args clone = {0};
    clone.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;
    clone.pidfd = (uint64_t)(uintptr_t)&fd;
    clone.exit_signal = SIGCHLD;
    if (args->cgroup_fd >= 0) {
        clone.flags |= CLONE_INTO_CGROUP;
        clone.cgroup = (uint64_t)args->cgroup_fd;
    }
    // The child gets a stack of its own, so that it cannot disturb this thread's frames; signals are held back until
    // it has execed, so that no handler of ours runs in it.
    size_t size = 64 * 1024;
    void *stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED) return -1;
    clone.stack = (uint64_t)(uintptr_t)stack;
    clone.stack_size = size;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pid_t pid;
#if defined(__x86_64__)
    {
        register struct spawn_child *data __asm__("r12") = &child;
        register long result __asm__("rax") = SYS_clone3;
        __asm__ volatile("syscall\n\t"
                         "test %%rax, %%rax\n\t"
                         "jnz 1f\n\t"
                         "mov %%r12, %%rdi\n\t"
                         "and $-16, %%rsp\n\t"
                         "call *%[entry]\n\t"
                         "hlt\n"
                         "1:"
                         : "+r"(result)
                         : "D"(&clone), "S"(sizeof clone), "r"(data), [entry] "r"(spawn_child_main)
                         : "rcx", "r11", "cc", "memory");
        pid = (pid_t)result;
        if (result < 0) {
            errno = (int)-result;
            pid = -1;
        }
    }
#elif defined(__aarch64__)
    {
        register long x0 __asm__("x0") = (long)&clone;
        register long x1 __asm__("x1") = sizeof clone;
        register long x8 __asm__("x8") = SYS_clone3;
        register struct spawn_child *data __asm__("x19") = &child;
        register void (*entry)(struct spawn_child *) __asm__("x20") = spawn_child_main;
        __asm__ volatile("svc #0\n\t"
                         "cbnz x0, 1f\n\t"
                         "mov x29, #0\n\t"
                         "mov x30, #0\n\t"
                         "mov x0, x19\n\t"
                         "blr x20\n\t"
                         "brk #1\n"
                         "1:"
                         : "+r"(x0)
                         : "r"(x1), "r"(x8), "r"(data), "r"(entry)
                         : "memory");
        pid = (pid_t)x0;
        if (x0 < 0) {
            errno = (int)-x0;
            pid = -1;
        }
    }
#else
#error "swl_spawn: this architecture is not supported"
#endif
    int saved = errno;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    munmap(stack, size);
    if (pid > 0 && child.error) {
        waitid(P_PIDFD, (id_t)fd, &(siginfo_t){0}, WEXITED);
        close(fd);
        if (failed_step) *failed_step = child.step;
        errno = child.error;
        return -1;
    }
    if (pid < 0) {
        if (failed_step) *failed_step = 0;
        errno = saved;
        return -1;
    }
    *pidfd = fd;
    return pid;
}

int swl_pidfd_open(pid_t pid, unsigned flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }

int swl_pidfd_send_signal(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

static pid_t wait_for(idtype_t type, id_t id, int nohang, int *code, int *signal) {
    siginfo_t info = {0};
    int r;
    do r = waitid(type, id, &info, WEXITED | __WALL | (nohang ? WNOHANG : 0));
    while (r < 0 && errno == EINTR);
    if (r < 0) return -1;
    if (info.si_pid == 0) return 0;
    if (info.si_code == CLD_EXITED) {
        *code = info.si_status;
        *signal = 0;
    } else {
        *code = 128 + info.si_status;
        *signal = info.si_status;
    }
    return info.si_pid;
}

int swl_wait_pidfd(int pidfd, int nohang, int *code, int *signal) {
    pid_t pid = wait_for(P_PIDFD, (id_t)pidfd, nohang, code, signal);
    return pid > 0 ? 1 : (int)pid;
}

pid_t swl_wait_pid(pid_t pid, int nohang, int *code, int *signal) {
    return wait_for(pid < 0 ? P_ALL : P_PID, pid < 0 ? 0 : (id_t)pid, nohang, code, signal);
}

int swl_close_range(unsigned first, unsigned last, unsigned flags) {
    return (int)syscall(SYS_close_range, first, last, flags);
}
int swl_execveat(int dirfd, const char *path, char *const *argv, char *const *envp, int flags) {
    return (int)syscall(SYS_execveat, dirfd, path, argv, envp, flags);
}
int swl_pivot_root(const char *new_root, const char *put_old) { return (int)syscall(SYS_pivot_root, new_root, put_old); }
int swl_setns(int fd, int flags) { return setns(fd, flags); }
int swl_namespace_type(int fd) { return ioctl(fd, NS_GET_NSTYPE); }
int swl_unshare(int flags) { return unshare(flags); }
long swl_prctl(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5) {
    return prctl(option, a2, a3, a4, a5);
}
int swl_seccomp_load(const struct sock_filter *program, unsigned short count, unsigned flags) {
    struct sock_fprog fprog = {.len = count, .filter = (struct sock_filter *)program};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &fprog);
}
long swl_raw_syscall(long number) { return syscall(number, 0, 0, 0, 0, 0, 0); }
int swl_seccomp_available(const uint32_t *action) {
    return (int)syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, action);
}
int swl_setgroups(size_t count, const gid_t *groups) { return (int)syscall(SYS_setgroups, count, groups); }
int swl_set_uid(uid_t uid) { return (int)syscall(SYS_setresuid, uid, uid, uid); }
int swl_set_gid(gid_t gid) { return (int)syscall(SYS_setresgid, gid, gid, gid); }
int swl_set_hostname(const char *name, size_t length) { return sethostname(name, length); }
int swl_set_domainname(const char *name, size_t length) { return setdomainname(name, length); }

void swl_reset_signals(void) {
    reset_dispositions();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

void swl_ignore_signal(int number) { signal(number, SIG_IGN); }

int swl_signalfd(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
    if ((errno = pthread_sigmask(SIG_BLOCK, &set, NULL))) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
int swl_sigrtmin(void) { return SIGRTMIN; }
int swl_sigrtmax(void) { return SIGRTMAX; }

void swl_trim_heap(void) { malloc_trim(0); }

// The limits of the executable's image, where the linker tells them.
extern char __executable_start[] __attribute__((weak));
extern char _end[] __attribute__((weak));

// Unmaps the pages of [start, end) that are a file's own: one that was written to is anonymous memory, and stays.
__attribute__((noinline)) static void release_clean(int map, uintptr_t start, uintptr_t end) {
    const uintptr_t page = 4096, none = 0;
    uint64_t entries[128];
    uintptr_t first = none;
    for (uintptr_t address = start; address < end; address += sizeof entries / 8 * page) {
        ssize_t count = pread(map, entries, sizeof entries, (off_t)(address / page * 8)) / 8;
        for (ssize_t i = 0; i < count; i++) {
            uintptr_t at = address + (uintptr_t)i * page;
            int clean = at < end && (entries[i] >> 63) && (entries[i] >> 61 & 1);
            if (clean && first == none) first = at;
            if (!clean && first != none) {
                madvise((void *)first, at - first, MADV_DONTNEED);
                first = none;
            }
        }
        if (count < (ssize_t)(sizeof entries / 8)) break;
    }
    if (first != none) madvise((void *)first, end - first, MADV_DONTNEED);
}

void swl_release_memory(void) {
    malloc_trim(0);
    const uintptr_t page = 4096;
    // A page is more than the frames of this function and of madvise need. Below the guard gap nothing else is mapped
    // within this distance of a stack.
    uintptr_t here = ((uintptr_t)__builtin_frame_address(0) - page) & ~(page - 1);
    madvise((void *)(here - 64 * page), 64 * page, MADV_DONTNEED);

    uintptr_t start = (uintptr_t)__executable_start & ~(page - 1), end = (uintptr_t)_end & ~(page - 1);
    if (start == 0 || end <= start) return;
    int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (map < 0) return;
    release_clean(map, start, end);
    close(map);
}

void swl_release_shared_memory(void) {
    malloc_trim(0);
    int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (map < 0) return;
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[512];
    while (maps && fgets(line, sizeof line, maps)) {
        unsigned long start, end, inode;
        char permissions[5];
        if (sscanf(line, "%lx-%lx %4s %*s %*s %lu", &start, &end, permissions, &inode) != 4) continue;
        // What cannot be written cannot become anonymous meanwhile, whatever other threads do.
        if (inode != 0 && permissions[1] != 'w' && permissions[3] == 'p') release_clean(map, start, end);
    }
    if (maps) fclose(maps);
    close(map);
}

void swl_small_heap(void) {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MXFAST, 0);
    mallopt(M_TRIM_THRESHOLD, 16 * 1024);
    mallopt(M_TOP_PAD, 4 * 1024);
    mallopt(M_MMAP_THRESHOLD, 64 * 1024);
}
int swl_random(void *buffer, size_t length) {
    unsigned char *p = buffer;
    while (length > 0) {
        ssize_t n = getrandom(p, length, 0);
        if (n < 0) {
            if (errno == EINTR) continue;
            return -1;
        }
        p += n;
        length -= (size_t)n;
    }
    return 0;
}

// The pause process. It is a copy of its single-threaded parent and stays in this file: it never returns to Swift.
static int pause_setup(void) {
    // A root folder of its own with nothing in it: /proc/1/root of the pod's pid namespace must not be the host's.
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) return errno;
    if (mount("none", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "size=4k,nr_inodes=2,mode=0555") < 0)
        return errno;
    if (chdir("/proc") < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0) return errno;
    if (chdir("/") < 0) return errno;
    for (int capability = 0; capability < 64; capability++)
        if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EINVAL) return errno;
    if (syscall(SYS_setgroups, 0, NULL) < 0) return errno;
    if (syscall(SYS_setresgid, 65535, 65535, 65535) < 0 || syscall(SYS_setresuid, 65535, 65535, 65535) < 0) return errno;
    // A change of the user clears the permitted capabilities, the parent death signal and the dumpable flag.
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) return errno;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) return errno;
    if (prctl(PR_SET_NAME, "swiftlet-pause", 0, 0, 0) < 0) return errno;
    return 0;
}

static void pause_main(int ready) {
    reset_dispositions();
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    int error = pause_setup();
    unsigned char answer[2] = {error != 0, (unsigned char)error};
    if (write(ready, answer, 2) != 2 || error) _exit(1);
    syscall(SYS_close_range, 0U, ~0U, 0U);
    for (;;) {
        // SIGCHLD of each orphan; other signals have no business here.
        int signal;
        sigset_t child;
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        sigwait(&child, &signal);
        siginfo_t info;
        do info.si_pid = 0;
        while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) == 0 && info.si_pid != 0);
    }
}

pid_t swl_pause(int ready, int *pidfd) {
    pid_t pid = swl_clone3(CLONE_NEWPID | CLONE_NEWNS, -1, pidfd);
    if (pid == 0) pause_main(ready);
    return pid;
}
int swl_getrlimit(int resource, uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    if (prlimit(0, resource, NULL, &limit) < 0) return -1;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}
int swl_setrlimit(int resource, uint64_t soft, uint64_t hard) {
    struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
    return prlimit(0, resource, &limit, NULL);
}
