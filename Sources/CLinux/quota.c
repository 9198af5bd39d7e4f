#include "CLinux.h"

#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

// Kernel headers of before 5.14 do not name it; its number is the same everywhere.
#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif

static int project_quota(int fd, unsigned command, uint32_t project, struct if_dqblk *quota) {
    return (int)syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), project, quota);
}

int swl_project(int fd, uint32_t *project) {
    struct fsxattr attributes;
    if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0) return -1;
    *project = attributes.fsx_projid;
    return 0;
}

int swl_set_project(int fd, uint32_t project) {
    struct fsxattr attributes;
    if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0) return -1;
    attributes.fsx_projid = project;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    return ioctl(fd, FS_IOC_FSSETXATTR, &attributes);
}

int swl_project_quota(int fd, uint32_t project, struct swl_quota *quota) {
    struct if_dqblk block = {0};
    if (project_quota(fd, Q_GETQUOTA, project, &block) < 0) return -1;
    quota->limit = block.dqb_bhardlimit << QIF_DQBLKSIZE_BITS;
    quota->used = block.dqb_curspace;
    quota->inodes = block.dqb_curinodes;
    return 0;
}

int swl_set_project_quota(int fd, uint32_t project, uint64_t limit) {
    struct if_dqblk block = {.dqb_bhardlimit = limit >> QIF_DQBLKSIZE_BITS, .dqb_valid = QIF_BLIMITS};
    return project_quota(fd, Q_SETQUOTA, project, &block);
}
