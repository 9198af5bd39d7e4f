#include "CLinux.h"

int swl_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int swl_epoll_ctl(int epoll, int op, int fd, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return epoll_ctl(epoll, op, fd, &event);
}

int swl_epoll_wait(int epoll, struct swl_epoll_event *events, int max, int timeout_ms) {
    struct epoll_event raw[64];
    if (max > 64) max = 64;
    int n = epoll_wait(epoll, raw, max, timeout_ms);
    for (int i = 0; i < n; i++) {
        events[i].events = raw[i].events;
        events[i].token = raw[i].data.u64;
    }
    return n;
}

int swl_eventfd(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
int swl_timerfd(void) { return timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK); }
int swl_timerfd_set(int fd, int64_t boot_ns) {
    struct itimerspec spec = {.it_value = {.tv_sec = boot_ns / 1000000000, .tv_nsec = boot_ns % 1000000000}};
    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static int64_t clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}
int64_t swl_boot_ns(void) { return clock_ns(CLOCK_BOOTTIME); }
int64_t swl_wall_ns(void) { return clock_ns(CLOCK_REALTIME); }
int64_t swl_monotonic_ns(void) { return clock_ns(CLOCK_MONOTONIC); }
