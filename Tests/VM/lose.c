/* lose CALL[,CALL...] PROGRAM [ARGUMENT...]: runs the program with these flushes (syncfs, fsync, fdatasync, sync) doing
 * nothing and saying that they did, for it and all that it starts. */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct { const char *name; unsigned number; } calls[] = {
    {"syncfs", SYS_syncfs}, {"fsync", SYS_fsync}, {"fdatasync", SYS_fdatasync}, {"sync", SYS_sync}};

int main(int count, char **arguments) {
    struct sock_filter filter[16] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
    unsigned short length = 1;
    if (count < 3) return 125;
    for (char *name = strtok(arguments[1], ","); name; name = strtok(NULL, ",")) {
        unsigned i = 0;
        while (i < sizeof calls / sizeof *calls && strcmp(calls[i].name, name)) i++;
        if (i == sizeof calls / sizeof *calls || length > 12) return 125;
        filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
        filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO);
    }
    filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {length, filter};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
        perror("lose");
        return 125;
    }
    execvp(arguments[2], arguments + 2);
    perror(arguments[2]);
    return 127;
}
