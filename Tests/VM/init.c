// The first program of the virtual machine: loads the modules that reaching the disk needs, mounts the disk and
// hands over to systemd. A static program in a cpio of a few hundred kilobytes, in place of initramfs-tools.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char disk[] = "/dev/vda";

static void complain(const char *what, const char *name) { dprintf(2, "init: %s %s: %s\n", what, name, strerror(errno)); }

/// Loads the modules named in /modules/list, in that order.
static void load_modules(void) {
    FILE *list = fopen("/modules/list", "re");
    char name[200], path[256];
    while (list && fgets(name, sizeof name, list)) {
        name[strcspn(name, "\n")] = 0;
        snprintf(path, sizeof path, "/modules/%s", name);
        int module = open(path, O_RDONLY | O_CLOEXEC);
        if (module < 0 || (syscall(SYS_finit_module, module, "", 0) && errno != EEXIST)) complain("load", name);
        if (module >= 0) close(module);
    }
    if (list) fclose(list);
}

int main(void) {
    mkdir("/proc", 0755);
    mkdir("/dev", 0755);
    mkdir("/root", 0755);
    if (mount("proc", "/proc", "proc", 0, 0)) complain("mount", "/proc");
    if (mount("dev", "/dev", "devtmpfs", 0, 0)) complain("mount", "/dev");
    load_modules();
    // The disk appears a moment after its driver.
    int tries = 0;
    while (mount(disk, "/root", "ext4", 0, "")) {
        if (++tries == 5000) {
            complain("mount", disk);
            for (;;) pause();
        }
        usleep(2000);
    }
    if (chdir("/root") || mount("/dev", "dev", 0, MS_MOVE, 0)) complain("move", "/dev");
    umount2("/proc", MNT_DETACH);
    unlink("/init");
    if (mount(".", "/", 0, MS_MOVE, 0) || chroot(".") || chdir("/")) complain("switch to", disk);
    char *arguments[] = {"/sbin/init", 0};
    char *environment[] = {"HOME=/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", 0};
    execve(arguments[0], arguments, environment);
    complain("exec", arguments[0]);
    for (;;) pause();
}
