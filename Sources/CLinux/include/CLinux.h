// Thin shims for what Swift cannot call: system calls without a glibc wrapper, variadic functions and macros.
// Every function returns -1 with errno set on failure, as the call it wraps, unless it says otherwise.
#pragma once
#ifndef _GNU_SOURCE
#error "build with -D_GNU_SOURCE (Package.swift sets it for every target)"
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <math.h>
#include <net/if.h>
#include <netdb.h>
#include <pthread.h>
#include <poll.h>
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/// errno, which is a macro.
static inline int swl_errno(void) { return errno; }
/// environ, a global variable. Only read where nothing sets variables.
static inline char **swl_environ(void) { return environ; }

// ---- processes -------------------------------------------------------------------------------------------------

/// clone3(2) without CLONE_VM: returns twice, as fork does. `cgroup` is a directory fd or -1; `*pidfd` receives a
/// close-on-exec pidfd of the child in the parent. Only for single-threaded processes.
pid_t swl_clone3(uint64_t flags, int cgroup, int *pidfd);

/// What `swl_spawn` is told. Fds given here are duplicated onto 0, 1, 2; `keep` lists further fds that stay open at
/// their own numbers. All others are closed on exec.
struct swl_spawn_args {
    int exec_fd;             ///< executable opened O_PATH, or -1 to use `path`
    const char *path;        ///< absolute path, used when exec_fd is -1 (and as the name in error messages)
    char *const *argv;
    char *const *envp;
    int stdin_fd, stdout_fd, stderr_fd;  ///< -1: /dev/null
    const int *keep;
    int keep_count;
    int cgroup_fd;           ///< directory fd of a cgroup v2, or -1
    int netns_fd;            ///< network namespace to enter before exec, or -1
    int new_session;         ///< setsid() in the child
    int parent_death_signal; ///< 0: none
};

/// clone3(CLONE_VM|CLONE_VFORK|CLONE_PIDFD[|CLONE_INTO_CGROUP]) and exec. Safe from a multi-threaded process: the
/// child's part is C only. Returns the pid, with a close-on-exec pidfd in `*pidfd`; -1 with errno of the step that
/// failed (`*failed_step`: 0 clone, 1 fds, 2 namespace, 3 exec).
pid_t swl_spawn(const struct swl_spawn_args *args, int *pidfd, int *failed_step);

/// Sends one netlink request in a child process, and returns without waiting for the kernel's answer: for requests that
/// have taken effect long before they are answered. The child holds no descriptor but its own and ends by itself; it may
/// outlive this process. `*answer` becomes the close-on-exec read end of a pipe that gives the answer, an int: 0 or an
/// errno. Returns the child's pid with a pidfd. Safe from a process of any number of threads.
pid_t swl_netlink_detached(int protocol, const void *request, size_t length, int *pidfd, int *answer);

/// Has another process hold `fd` open until the descriptor returned is closed and `linger` milliseconds more, so that
/// a close before that is not the last, for which the kernel may make its caller wait. It is no child of this one and ends
/// by itself. Returns a close-on-exec descriptor. Safe from a process of any number of threads.
int swl_hold_open(int fd, int linger);

/// Makes a pid namespace whose first process only reaps: without privileges, in an empty root folder, ended with its
/// parent. It writes two bytes to `ready`: 0 and 0 when it is set up, else 1 and an errno.
pid_t swl_pause(int ready, int *pidfd);

int swl_pidfd_open(pid_t pid, unsigned flags);
int swl_pidfd_send_signal(int pidfd, int signal);
/// waitid(P_PIDFD, WEXITED): 1 when reaped (`*code`: exit status, `*signal`: killing signal or 0), 0 when still
/// running (only with `nohang`), -1 on error.
int swl_wait_pidfd(int pidfd, int nohang, int *code, int *signal);
/// The same for any child by pid or -1. Returns the pid reaped, 0 when none is ready, -1 on error.
pid_t swl_wait_pid(pid_t pid, int nohang, int *code, int *signal);

int swl_close_range(unsigned first, unsigned last, unsigned flags);
int swl_execveat(int dirfd, const char *path, char *const *argv, char *const *envp, int flags);
int swl_pivot_root(const char *new_root, const char *put_old);
int swl_setns(int fd, int flags);
/// The CLONE_NEW* bit of the namespace that an open nsfs file stands for, or -1.
int swl_namespace_type(int fd);
int swl_unshare(int flags);
long swl_prctl(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5);
/// seccomp(SECCOMP_SET_MODE_FILTER) with a program of `count` instructions.
int swl_seccomp_load(const struct sock_filter *program, unsigned short count, unsigned flags);
/// A system call by its number, without arguments.
long swl_raw_syscall(long number);
/// 0 when the kernel knows the filter action.
int swl_seccomp_available(const uint32_t *action);
int swl_setgroups(size_t count, const gid_t *groups);
/// setresuid/setresgid of this thread (the process is single-threaded where these are used).
int swl_set_uid(uid_t uid);
int swl_set_gid(gid_t gid);
int swl_set_hostname(const char *name, size_t length);
int swl_set_domainname(const char *name, size_t length);
/// Default dispositions and an empty mask for all signals, as a fresh program expects.
void swl_reset_signals(void);
/// SIG_IGN for `signal`.
void swl_ignore_signal(int signal);
/// Blocks all the signals in `signals` for this thread and returns a close-on-exec, non-blocking signalfd for them.
int swl_signalfd(const int *signals, int count);
int swl_sigrtmin(void);
int swl_sigrtmax(void);

/// Resource limits of this process by the kernel's number.
int swl_getrlimit(int resource, uint64_t *soft, uint64_t *hard);
int swl_setrlimit(int resource, uint64_t soft, uint64_t hard);

// ---- files and mounts ------------------------------------------------------------------------------------------

int swl_openat2(int dirfd, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int swl_open(const char *path, int flags, mode_t mode);
int swl_openat(int dirfd, const char *path, int flags, mode_t mode);
/// O_TMPFILE, a macro of casts.
static inline int swl_o_tmpfile(void) { return O_TMPFILE; }
int swl_fcntl(int fd, int command, long argument);
int swl_ioctl_ptr(int fd, unsigned long request, void *argument);
int swl_ioctl_int(int fd, unsigned long request, long argument);
int swl_open_tree(int dirfd, const char *path, unsigned flags);
int swl_move_mount(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned flags);
int swl_fsopen(const char *type, unsigned flags);
int swl_fsconfig(int fd, unsigned command, const char *key, const void *value, int aux);
int swl_fsmount(int fd, unsigned flags, unsigned attributes);
/// mount_setattr(2); `userns_fd` -1 when not used.
int swl_mount_setattr(int dirfd, const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation,
                      int userns_fd);
/// The system call, without the C library's search for a folder that is not reachable from the root. Its length with
/// the terminator, or -1.
long swl_getcwd(char *buffer, size_t size);
/// The magic number of the file system that an open file is on, or -1.
int64_t swl_filesystem_magic(int fd);
int swl_renameat2(int olddir, const char *old, int newdir, const char *new_, unsigned flags);
int swl_memfd_create(const char *name, unsigned flags);
dev_t swl_makedev(unsigned major, unsigned minor);
unsigned swl_major(dev_t device);
unsigned swl_minor(dev_t device);
bool swl_is_dir(mode_t mode);
bool swl_is_regular(mode_t mode);
bool swl_is_symlink(mode_t mode);
bool swl_is_char(mode_t mode);
bool swl_is_block(mode_t mode);
bool swl_is_fifo(mode_t mode);
bool swl_is_socket(mode_t mode);

// ---- project quotas --------------------------------------------------------------------------------------------

/// What a project takes on its file system, and may at most take (0: as much as there is), in bytes.
struct swl_quota { uint64_t limit, used, inodes; };
/// The project of an open file or folder.
int swl_project(int fd, uint32_t *project);
/// Gives an open folder, and what is made in it from then on, to a project.
int swl_set_project(int fd, uint32_t project);
/// quotactl(Q_GETQUOTA) on the file system of `fd`: ESRCH and ENOSYS where it has no project quotas.
int swl_project_quota(int fd, uint32_t project, struct swl_quota *quota);
/// quotactl(Q_SETQUOTA); the limit in bytes, in which parts of a KiB do not count.
int swl_set_project_quota(int fd, uint32_t project, uint64_t limit);

// ---- Swift's tasks ---------------------------------------------------------------------------------------------

/// Gives every job that belongs to no actor to `handler`, from the thread that makes it ready, in place of the runtime's
/// own pool of threads. For programs that link Swift's concurrency.
void swl_take_global_jobs(void (*handler)(void *job));

// ---- polling ---------------------------------------------------------------------------------------------------

int swl_epoll_create(void);
/// epoll_ctl with a 64-bit token.
int swl_epoll_ctl(int epoll, int op, int fd, uint32_t events, uint64_t token);
struct swl_epoll_event { uint32_t events; uint64_t token; };
/// epoll_wait; time-out in milliseconds, -1 for ever.
int swl_epoll_wait(int epoll, struct swl_epoll_event *events, int max, int timeout_ms);
int swl_eventfd(void);
/// A timerfd on CLOCK_BOOTTIME, close-on-exec and non-blocking.
int swl_timerfd(void);
/// Arms (absolute boot-clock nanoseconds) or, with 0, disarms a timerfd.
int swl_timerfd_set(int fd, int64_t boot_ns);

// ---- sockets ---------------------------------------------------------------------------------------------------

/// A listening (mode 0600; or, with `listening` 0, connected) close-on-exec Unix stream socket. Paths longer than sun_path are
/// reached through /proc/self/fd of their folder. Type is SOCK_STREAM.
int swl_unix_socket(const char *path, int listening, int nonblocking);
int swl_accept(int fd);
/// SO_PEERCRED.
int swl_peer_credentials(int fd, pid_t *pid, uid_t *uid, gid_t *gid);
/// SO_PEERGROUPS: the further groups of the process at the other end, as they were when it connected. Their number; -1
/// with ERANGE for more than `count`.
int swl_peer_groups(int fd, gid_t *groups, int count);
/// Begins a TCP connection to a socket address: a close-on-exec, non-blocking socket that is writable when it is made or
/// has failed (`swl_socket_error`).
int swl_tcp_connect(const void *address, socklen_t length);
/// The same to the loopback address (of IPv6 when `v6`) of a network namespace; of this thread's when it is negative.
int swl_dial_loopback(int namespace, uint16_t port, int v6);
/// A close-on-exec, non-blocking socket that listens at a numeric address; EINVAL for what is none. `*port` 0 is replaced
/// by a free one.
int swl_tcp_listen(const char *address, uint16_t *port);
/// SO_ERROR, which it clears; an errno, or 0.
int swl_socket_error(int fd);
/// SO_PEERPIDFD: a close-on-exec pidfd of the process that SO_PEERCRED names. ENOPROTOOPT before Linux 6.5.
int swl_peer_pidfd(int fd);
/// A connected pair of close-on-exec Unix stream sockets; `ends[0]` does not block.
int swl_socketpair(int ends[2]);
/// Sends one byte with an fd attached; receives one (close-on-exec).
int swl_send_fd(int socket, int fd);
int swl_receive_fd(int socket);
/// Makes a network namespace with `lo` up and mounts it on the file `path`, which must be there. A thread of its own
/// does it, so that no other thread is ever in that namespace. Low ports and ping need no privileges in it: it has no
/// address of the host to guard. `*failed_step`: 0 thread, 1 unshare, 2 lo, 3 settings, 4 mount.
int swl_make_network_namespace(const char *path, int *failed_step);
/// Sets an interface of this network namespace up.
int swl_interface_up(const char *name);
/// Sets it down.
int swl_interface_down(const char *name);
/// A close-on-exec Unix datagram socket, bound to `address` unless that is null. `@name` is an abstract address.
int swl_unix_datagram(const char *address);
/// Sends one datagram to `address`. Waits for room at the receiver at most 5 seconds, and not at all unless `waits`.
int swl_send_datagram(int fd, const char *address, const void *bytes, size_t count, int waits);
/// send(2) that neither waits nor raises SIGPIPE.
ssize_t swl_send_now(int fd, const void *bytes, size_t count);

// ---- terminals -------------------------------------------------------------------------------------------------

/// A pseudo-terminal of the devpts instance mounted at `devpts_dirfd` (its `ptmx`); slave by TIOCGPTPEER, never by
/// path. Returns the master; `*slave` receives the other end.
int swl_open_pty(int devpts_dirfd, int *slave);
int swl_set_window_size(int fd, unsigned short rows, unsigned short columns);
int swl_get_window_size(int fd, unsigned short *rows, unsigned short *columns);
int swl_set_controlling_terminal(int fd);

// ---- bpf -------------------------------------------------------------------------------------------------------

/// Loads a BPF_PROG_TYPE_CGROUP_DEVICE program; `log` (may be null) receives the verifier's words.
int swl_bpf_load_device(const struct bpf_insn *program, unsigned count, char *log, unsigned log_size);
/// Attaches it to a cgroup directory with BPF_F_ALLOW_MULTI.
int swl_bpf_attach_device(int cgroup_fd, int program_fd);

// ---- clocks, identity ------------------------------------------------------------------------------------------

/// Nanoseconds of CLOCK_BOOTTIME / CLOCK_REALTIME.
int64_t swl_boot_ns(void);
int64_t swl_wall_ns(void);
/// Nanoseconds of CLOCK_MONOTONIC, for interfaces that ask for this clock.
int64_t swl_monotonic_ns(void);
/// Gives free heap memory back to the kernel.
void swl_trim_heap(void);
/// As `swl_trim_heap`, and more: gives back the pages of this thread's stack that are not in use, and unmaps the pages
/// of the executable that can be read from its file again. For a process that will now be idle for long; it must be
/// single-threaded.
void swl_release_memory(void);
/// What of that a process of several threads can do: gives back free heap memory and the pages of programs and
/// libraries that are read only.
void swl_release_shared_memory(void);
/// Keeps the heap small from the start: one arena, low mmap and trim thresholds.
void swl_small_heap(void);
int swl_random(void *buffer, size_t length);
