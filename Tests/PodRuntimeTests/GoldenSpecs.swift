/// Runtime specs as they were reviewed, by `GoldenSpecTests`.
enum GoldenSpecs {
    static let typical = """
        {
         "annotations": {
          "io.kubernetes.cri.container-name": "c",
          "io.kubernetes.cri.sandbox-name": "web",
          "io.kubernetes.cri.sandbox-namespace": "prod",
          "io.kubernetes.cri.sandbox-uid": "u-1"
         },
         "linux": {
          "maskedPaths": [
           "/proc/asound",
           "/proc/acpi",
           "/proc/interrupts",
           "/proc/kcore",
           "/proc/keys",
           "/proc/latency_stats",
           "/proc/timer_list",
           "/proc/timer_stats",
           "/proc/sched_debug",
           "/proc/scsi",
           "/sys/firmware",
           "/sys/devices/virtual/powercap"
          ],
          "namespaces": [
           {
            "type": "mount"
           },
           {
            "type": "pid"
           },
           {
            "type": "cgroup"
           }
          ],
          "readonlyPaths": [
           "/proc/bus",
           "/proc/fs",
           "/proc/irq",
           "/proc/sys",
           "/proc/sysrq-trigger"
          ],
          "resources": {
           "devices": [
            {
             "access": "rwm",
             "allow": false,
             "type": "a"
            },
            {
             "access": "m",
             "allow": true,
             "type": "c"
            },
            {
             "access": "m",
             "allow": true,
             "type": "b"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 1,
             "minor": 3,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 1,
             "minor": 5,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 1,
             "minor": 7,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 1,
             "minor": 8,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 1,
             "minor": 9,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 5,
             "minor": 0,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 5,
             "minor": 2,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 136,
             "type": "c"
            }
           ]
          }
         },
         "mounts": [
          {
           "destination": "/proc",
           "options": [
            "nosuid",
            "noexec",
            "nodev"
           ],
           "source": "proc",
           "type": "proc"
          },
          {
           "destination": "/dev",
           "options": [
            "nosuid",
            "strictatime",
            "mode=755",
            "size=65536k"
           ],
           "source": "tmpfs",
           "type": "tmpfs"
          },
          {
           "destination": "/sys",
           "options": [
            "nosuid",
            "noexec",
            "nodev",
            "ro"
           ],
           "source": "sysfs",
           "type": "sysfs"
          },
          {
           "destination": "/data",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/volumes/kubernetes.io~empty-dir/data",
           "type": "bind"
          },
          {
           "destination": "/dev/pts",
           "options": [
            "nosuid",
            "noexec",
            "newinstance",
            "ptmxmode=0666",
            "mode=0620",
            "gid=5"
           ],
           "source": "devpts",
           "type": "devpts"
          },
          {
           "destination": "/dev/mqueue",
           "options": [
            "nosuid",
            "noexec",
            "nodev"
           ],
           "source": "mqueue",
           "type": "mqueue"
          },
          {
           "destination": "/etc/hosts",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/etc-hosts",
           "type": "bind"
          },
          {
           "destination": "/etc/hostname",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/hostname",
           "type": "bind"
          },
          {
           "destination": "/etc/resolv.conf",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/resolv.conf",
           "type": "bind"
          },
          {
           "destination": "/dev/shm",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/shm",
           "type": "bind"
          },
          {
           "destination": "/dev/termination-log",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/containers/c/termination-log",
           "type": "bind"
          },
          {
           "destination": "/sys/fs/cgroup",
           "options": [
            "nosuid",
            "noexec",
            "nodev",
            "relatime",
            "ro"
           ],
           "source": "cgroup",
           "type": "cgroup"
          }
         ],
         "ociVersion": "1.2.0",
         "process": {
          "args": [
           "/entry",
           "--name",
           "web"
          ],
          "capabilities": {
           "bounding": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FOWNER",
            "CAP_FSETID",
            "CAP_KILL",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_NET_RAW",
            "CAP_SYS_CHROOT",
            "CAP_MKNOD",
            "CAP_AUDIT_WRITE",
            "CAP_SETFCAP"
           ],
           "effective": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FOWNER",
            "CAP_FSETID",
            "CAP_KILL",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_NET_RAW",
            "CAP_SYS_CHROOT",
            "CAP_MKNOD",
            "CAP_AUDIT_WRITE",
            "CAP_SETFCAP"
           ],
           "permitted": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FOWNER",
            "CAP_FSETID",
            "CAP_KILL",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_NET_RAW",
            "CAP_SYS_CHROOT",
            "CAP_MKNOD",
            "CAP_AUDIT_WRITE",
            "CAP_SETFCAP"
           ]
          },
          "cwd": "/srv",
          "env": [
           "HOSTNAME=web",
           "LANG=C",
           "NAME=web",
           "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
          ],
          "oomScoreAdj": 750,
          "user": {
           "gid": 0,
           "uid": 0
          }
         },
         "root": {
          "path": "rootfs"
         }
        }

        """
    static let privileged = """
        {
         "annotations": {
          "io.kubernetes.cri.container-name": "c",
          "io.kubernetes.cri.sandbox-name": "web",
          "io.kubernetes.cri.sandbox-namespace": "prod",
          "io.kubernetes.cri.sandbox-uid": "u-1"
         },
         "linux": {
          "devices": [
           {
            "gid": 0,
            "major": 1,
            "minor": 11,
            "path": "/dev/kmsg",
            "type": "c",
            "uid": 0
           }
          ],
          "namespaces": [
           {
            "type": "mount"
           },
           {
            "type": "pid"
           }
          ],
          "resources": {
           "devices": [
            {
             "access": "rwm",
             "allow": true,
             "type": "a"
            }
           ]
          }
         },
         "mounts": [
          {
           "destination": "/proc",
           "options": [
            "nosuid",
            "noexec",
            "nodev"
           ],
           "source": "proc",
           "type": "proc"
          },
          {
           "destination": "/dev",
           "options": [
            "nosuid",
            "strictatime",
            "mode=755",
            "size=65536k"
           ],
           "source": "tmpfs",
           "type": "tmpfs"
          },
          {
           "destination": "/sys",
           "options": [
            "nosuid",
            "noexec",
            "nodev",
            "rw"
           ],
           "source": "sysfs",
           "type": "sysfs"
          },
          {
           "destination": "/dev/pts",
           "options": [
            "nosuid",
            "noexec",
            "newinstance",
            "ptmxmode=0666",
            "mode=0620",
            "gid=5"
           ],
           "source": "devpts",
           "type": "devpts"
          },
          {
           "destination": "/dev/mqueue",
           "options": [
            "nosuid",
            "noexec",
            "nodev"
           ],
           "source": "mqueue",
           "type": "mqueue"
          },
          {
           "destination": "/etc/hosts",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/etc-hosts",
           "type": "bind"
          },
          {
           "destination": "/etc/hostname",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/hostname",
           "type": "bind"
          },
          {
           "destination": "/etc/resolv.conf",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/resolv.conf",
           "type": "bind"
          },
          {
           "destination": "/dev/shm",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/shm",
           "type": "bind"
          },
          {
           "destination": "/dev/termination-log",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/containers/c/termination-log",
           "type": "bind"
          },
          {
           "destination": "/sys/fs/cgroup",
           "options": [
            "nosuid",
            "noexec",
            "nodev",
            "relatime",
            "rw"
           ],
           "source": "cgroup",
           "type": "cgroup"
          }
         ],
         "ociVersion": "1.2.0",
         "process": {
          "args": [
           "/entry",
           "serve"
          ],
          "capabilities": {
           "bounding": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_DAC_READ_SEARCH",
            "CAP_FOWNER",
            "CAP_FSETID",
            "CAP_KILL",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETPCAP",
            "CAP_LINUX_IMMUTABLE",
            "CAP_NET_BIND_SERVICE",
            "CAP_NET_BROADCAST",
            "CAP_NET_ADMIN",
            "CAP_NET_RAW",
            "CAP_IPC_LOCK",
            "CAP_IPC_OWNER",
            "CAP_SYS_MODULE",
            "CAP_SYS_RAWIO",
            "CAP_SYS_CHROOT",
            "CAP_SYS_PTRACE",
            "CAP_SYS_PACCT",
            "CAP_SYS_ADMIN",
            "CAP_SYS_BOOT",
            "CAP_SYS_NICE",
            "CAP_SYS_RESOURCE",
            "CAP_SYS_TIME",
            "CAP_SYS_TTY_CONFIG",
            "CAP_MKNOD",
            "CAP_LEASE",
            "CAP_AUDIT_WRITE",
            "CAP_AUDIT_CONTROL",
            "CAP_SETFCAP",
            "CAP_MAC_OVERRIDE",
            "CAP_MAC_ADMIN",
            "CAP_SYSLOG",
            "CAP_WAKE_ALARM",
            "CAP_BLOCK_SUSPEND",
            "CAP_AUDIT_READ",
            "CAP_PERFMON",
            "CAP_BPF",
            "CAP_CHECKPOINT_RESTORE"
           ],
           "effective": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_DAC_READ_SEARCH",
            "CAP_FOWNER",
            "CAP_FSETID",
            "CAP_KILL",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETPCAP",
            "CAP_LINUX_IMMUTABLE",
            "CAP_NET_BIND_SERVICE",
            "CAP_NET_BROADCAST",
            "CAP_NET_ADMIN",
            "CAP_NET_RAW",
            "CAP_IPC_LOCK",
            "CAP_IPC_OWNER",
            "CAP_SYS_MODULE",
            "CAP_SYS_RAWIO",
            "CAP_SYS_CHROOT",
            "CAP_SYS_PTRACE",
            "CAP_SYS_PACCT",
            "CAP_SYS_ADMIN",
            "CAP_SYS_BOOT",
            "CAP_SYS_NICE",
            "CAP_SYS_RESOURCE",
            "CAP_SYS_TIME",
            "CAP_SYS_TTY_CONFIG",
            "CAP_MKNOD",
            "CAP_LEASE",
            "CAP_AUDIT_WRITE",
            "CAP_AUDIT_CONTROL",
            "CAP_SETFCAP",
            "CAP_MAC_OVERRIDE",
            "CAP_MAC_ADMIN",
            "CAP_SYSLOG",
            "CAP_WAKE_ALARM",
            "CAP_BLOCK_SUSPEND",
            "CAP_AUDIT_READ",
            "CAP_PERFMON",
            "CAP_BPF",
            "CAP_CHECKPOINT_RESTORE"
           ],
           "permitted": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_DAC_READ_SEARCH",
            "CAP_FOWNER",
            "CAP_FSETID",
            "CAP_KILL",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETPCAP",
            "CAP_LINUX_IMMUTABLE",
            "CAP_NET_BIND_SERVICE",
            "CAP_NET_BROADCAST",
            "CAP_NET_ADMIN",
            "CAP_NET_RAW",
            "CAP_IPC_LOCK",
            "CAP_IPC_OWNER",
            "CAP_SYS_MODULE",
            "CAP_SYS_RAWIO",
            "CAP_SYS_CHROOT",
            "CAP_SYS_PTRACE",
            "CAP_SYS_PACCT",
            "CAP_SYS_ADMIN",
            "CAP_SYS_BOOT",
            "CAP_SYS_NICE",
            "CAP_SYS_RESOURCE",
            "CAP_SYS_TIME",
            "CAP_SYS_TTY_CONFIG",
            "CAP_MKNOD",
            "CAP_LEASE",
            "CAP_AUDIT_WRITE",
            "CAP_AUDIT_CONTROL",
            "CAP_SETFCAP",
            "CAP_MAC_OVERRIDE",
            "CAP_MAC_ADMIN",
            "CAP_SYSLOG",
            "CAP_WAKE_ALARM",
            "CAP_BLOCK_SUSPEND",
            "CAP_AUDIT_READ",
            "CAP_PERFMON",
            "CAP_BPF",
            "CAP_CHECKPOINT_RESTORE"
           ]
          },
          "cwd": "/srv",
          "env": [
           "HOSTNAME=web",
           "LANG=C",
           "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
          ],
          "oomScoreAdj": 1000,
          "user": {
           "gid": 0,
           "uid": 0
          }
         },
         "root": {
          "path": "rootfs"
         }
        }

        """
    static let onTheHost = """
        {
         "annotations": {
          "io.kubernetes.cri.container-name": "c",
          "io.kubernetes.cri.sandbox-name": "web",
          "io.kubernetes.cri.sandbox-namespace": "prod",
          "io.kubernetes.cri.sandbox-uid": "u-1"
         },
         "linux": {
          "maskedPaths": [
           "/proc/asound",
           "/proc/acpi",
           "/proc/interrupts",
           "/proc/kcore",
           "/proc/keys",
           "/proc/latency_stats",
           "/proc/timer_list",
           "/proc/timer_stats",
           "/proc/sched_debug",
           "/proc/scsi",
           "/sys/firmware",
           "/sys/devices/virtual/powercap"
          ],
          "namespaces": [
           {
            "type": "mount"
           },
           {
            "type": "cgroup"
           }
          ],
          "readonlyPaths": [
           "/proc/bus",
           "/proc/fs",
           "/proc/irq",
           "/proc/sys",
           "/proc/sysrq-trigger"
          ],
          "resources": {
           "devices": [
            {
             "access": "rwm",
             "allow": false,
             "type": "a"
            },
            {
             "access": "m",
             "allow": true,
             "type": "c"
            },
            {
             "access": "m",
             "allow": true,
             "type": "b"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 1,
             "minor": 3,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 1,
             "minor": 5,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 1,
             "minor": 7,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 1,
             "minor": 8,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 1,
             "minor": 9,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 5,
             "minor": 0,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 5,
             "minor": 2,
             "type": "c"
            },
            {
             "access": "rwm",
             "allow": true,
             "major": 136,
             "type": "c"
            }
           ]
          }
         },
         "mounts": [
          {
           "destination": "/proc",
           "options": [
            "nosuid",
            "noexec",
            "nodev"
           ],
           "source": "proc",
           "type": "proc"
          },
          {
           "destination": "/dev",
           "options": [
            "nosuid",
            "strictatime",
            "mode=755",
            "size=65536k"
           ],
           "source": "tmpfs",
           "type": "tmpfs"
          },
          {
           "destination": "/sys",
           "options": [
            "nosuid",
            "noexec",
            "nodev",
            "ro"
           ],
           "source": "sysfs",
           "type": "sysfs"
          },
          {
           "destination": "/dev/pts",
           "options": [
            "nosuid",
            "noexec",
            "newinstance",
            "ptmxmode=0666",
            "mode=0620",
            "gid=5"
           ],
           "source": "devpts",
           "type": "devpts"
          },
          {
           "destination": "/dev/mqueue",
           "options": [
            "nosuid",
            "noexec",
            "nodev"
           ],
           "source": "mqueue",
           "type": "mqueue"
          },
          {
           "destination": "/etc/hosts",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/etc-hosts",
           "type": "bind"
          },
          {
           "destination": "/etc/hostname",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/hostname",
           "type": "bind"
          },
          {
           "destination": "/etc/resolv.conf",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/resolv.conf",
           "type": "bind"
          },
          {
           "destination": "/dev/shm",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/dev/shm",
           "type": "bind"
          },
          {
           "destination": "/dev/termination-log",
           "options": [
            "rbind",
            "rprivate",
            "rw"
           ],
           "source": "/pods/u-1/containers/c/termination-log",
           "type": "bind"
          },
          {
           "destination": "/sys/fs/cgroup",
           "options": [
            "nosuid",
            "noexec",
            "nodev",
            "relatime",
            "ro"
           ],
           "source": "cgroup",
           "type": "cgroup"
          }
         ],
         "ociVersion": "1.2.0",
         "process": {
          "args": [
           "/entry",
           "serve"
          ],
          "capabilities": {
           "bounding": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FOWNER",
            "CAP_FSETID",
            "CAP_KILL",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_NET_RAW",
            "CAP_SYS_CHROOT",
            "CAP_MKNOD",
            "CAP_AUDIT_WRITE",
            "CAP_SETFCAP"
           ],
           "effective": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FOWNER",
            "CAP_FSETID",
            "CAP_KILL",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_NET_RAW",
            "CAP_SYS_CHROOT",
            "CAP_MKNOD",
            "CAP_AUDIT_WRITE",
            "CAP_SETFCAP"
           ],
           "permitted": [
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FOWNER",
            "CAP_FSETID",
            "CAP_KILL",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_NET_RAW",
            "CAP_SYS_CHROOT",
            "CAP_MKNOD",
            "CAP_AUDIT_WRITE",
            "CAP_SETFCAP"
           ]
          },
          "cwd": "/srv",
          "env": [
           "HOSTNAME=node-1",
           "LANG=C",
           "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
          ],
          "oomScoreAdj": 1000,
          "user": {
           "gid": 0,
           "uid": 0
          }
         },
         "root": {
          "path": "rootfs"
         }
        }

        """
}
