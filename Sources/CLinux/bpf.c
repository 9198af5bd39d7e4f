#include "CLinux.h"

#include <string.h>
#include <sys/syscall.h>

static int bpf(int command, union bpf_attr *attr) {
    int r;
    do r = (int)syscall(SYS_bpf, command, attr, sizeof *attr);
    while (r < 0 && errno == EAGAIN);
    return r;
}

int swl_bpf_load_device(const struct bpf_insn *program, unsigned count, char *log, unsigned log_size) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    attr.insn_cnt = count;
    attr.insns = (uint64_t)(uintptr_t)program;
    attr.license = (uint64_t)(uintptr_t) "GPL";
    if (log && log_size) {
        attr.log_level = 1;
        attr.log_buf = (uint64_t)(uintptr_t)log;
        attr.log_size = log_size;
    }
    return bpf(BPF_PROG_LOAD, &attr);
}

int swl_bpf_attach_device(int cgroup_fd, int program_fd) {
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.target_fd = (uint32_t)cgroup_fd;
    attr.attach_bpf_fd = (uint32_t)program_fd;
    attr.attach_type = BPF_CGROUP_DEVICE;
    attr.attach_flags = BPF_F_ALLOW_MULTI;
    return bpf(BPF_PROG_ATTACH, &attr);
}
