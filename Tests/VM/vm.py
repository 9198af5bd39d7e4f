#!/usr/bin/env python3
"""Boots, saves and restores the test virtual machine.

    vm.py [--smp N] save DIR                    boot DIR's machine once and save its state
    vm.py [--smp N] [--timeout S] run DIR JOB   restore it, run JOB/run in it, print the output, exit with its status
    vm.py [--boot] [--disk IMG] [--cut S] run DIR JOB
                                                with a cold boot instead: JOB/run runs after every boot of the machine,
                                                also when it has rebooted it, until it ends. IMG: a second disk,
                                                /dev/vdc, that is kept (made with a journalled ext4 when missing).

DIR is a folder for states below the one that Tests/VM/build made. JOB is a folder, or a tar, that holds an executable `run`. The machine's disk is a
throw-away copy in every run. The power is cut (qemu is killed: what the guest has not flushed to IMG is lost) S seconds
after the job began, or when the job prints a line @@cut; the exit status is then 137. Exit status 125: the machine or the job gave no result (the console is printed);
124: time-out.
"""
import argparse
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

DATA_SIZE = 4 << 30  # of a new second disk, a sparse file
JOB_SIZE = 2 << 30  # of the raw disk that carries the job; the same when saved and when restored
BLOCK = 1 << 20
KERNEL_OPTIONS = (
    "console=ttyS0 rw quiet "
    # Without address space randomisation the emulator reuses translated code: exec is three times quicker.
    "norandmaps nokaslr mitigations=off nopti init_on_alloc=0 random.trust_cpu=on cryptomgr.notests audit=0 "
    # On a loaded host the timer's interrupts come too late for the kernel's own test of them, and it panics.
    "no_timer_check "
    "rcupdate.rcu_expedited=1 systemd.unified_cgroup_hierarchy=1"
)


def die_with_parent():
    """In the child: no machine outlives its runner."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    os.setsid()  # a Ctrl-C is ours to handle


def state_file(folder, smp):
    return os.path.join(folder, f"state-{smp}.bin")


def disk_file(folder, smp):
    """The disk as it was when the state was saved: an overlay over the image, one for each state."""
    return os.path.join(folder, f"disk-{smp}.qcow2")


class Machine:
    """One qemu process, with a socket to the guest's agent and one to the monitor."""

    def __init__(self, folder, smp, job, restore=False, boot=False, data=None):
        # A cold boot begins with the disk as it was built; a saved state belongs to the one it was saved with.
        if boot:
            disk = f"id=d0,if=none,file={os.path.realpath(os.path.join(folder, '../disk.ext4'))},format=raw"
        else:
            disk = f"id=d0,if=none,file={disk_file(folder, smp)},format=qcow2"
        self.scratch = tempfile.mkdtemp(prefix="swiftlet-vm-")
        self.is_cut = False
        self.console = os.path.join(self.scratch, "console")
        arguments = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none",
            "-machine", "pc,usb=off,vmport=off", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "max",
            "-smp", str(smp), "-m", "2048",
            "-kernel", os.path.join(folder, "../vmlinuz"), "-initrd", os.path.join(folder, "../initrd.cpio"),
            "-append", KERNEL_OPTIONS,
            "-drive", f"{disk},cache=unsafe,snapshot=" + ("on" if restore or boot else "off"),
            "-device", "virtio-blk-pci,drive=d0",
            "-drive", f"id=d1,if=none,file={job},format=raw,readonly=on,cache=unsafe",
            "-device", "virtio-blk-pci,drive=d1",
            "-device", "virtio-serial-pci",
            "-chardev", f"file,id=co,path={self.console}", "-serial", "chardev:co",
            "-chardev", f"socket,id=vo,path={self.scratch}/out,server=on,wait=off",
            "-device", "virtserialport,chardev=vo,name=out",
            "-chardev", f"socket,id=mo,path={self.scratch}/monitor,server=on,wait=off",
            "-mon", "chardev=mo,mode=readline",
            "-device", "vmgenid,guid=auto",  # a restored kernel takes new random numbers
        ]
        if not boot:
            arguments += ["-no-reboot"]
        if data:
            # What was flushed is in the host's page cache at least, which outlives qemu.
            arguments += [
                "-drive", f"id=d2,if=none,file={data},format=raw,cache=unsafe", "-device", "virtio-blk-pci,drive=d2"]
        if restore:
            arguments += ["-incoming", f"exec:cat {state_file(folder, smp)}"]
        environment = dict(os.environ, TMPDIR=self.scratch)  # where qemu puts the throw-away copy
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent, env=environment)
        try:
            self.out = self.connect("out")
            self.monitor = self.connect("monitor")
            self.monitor.settimeout(120)
            self.read_prompt()
        except OSError as error:
            self.close()
            raise SystemExit(f"vm: qemu does not answer, its words are above: {error}") from error

    def connect(self, name):
        path = os.path.join(self.scratch, name)
        connection = socket.socket(socket.AF_UNIX)
        while True:
            try:
                connection.connect(path)
                return connection
            except OSError:
                if self.process.poll() is not None:
                    raise SystemExit(f"vm: qemu ended with status {self.process.returncode} before it was up")
                time.sleep(0.005)

    def read_prompt(self):
        text = b""
        while not text.endswith(b"(qemu) "):
            piece = self.monitor.recv(4096)
            if not piece:
                break
            text += piece
        return text

    def command(self, text):
        self.monitor.sendall(text.encode() + b"\n")
        return self.read_prompt()

    def lines(self, deadline):
        """The guest's lines until it ends. Raises TimeoutError when the deadline passes."""
        pending = b""
        self.out.settimeout(0.5)
        while True:
            if time.monotonic() > deadline:
                raise TimeoutError
            try:
                piece = self.out.recv(65536)
            except TimeoutError:
                if self.process.poll() is not None:
                    return
                continue
            except OSError:
                return
            if not piece:
                return
            *whole, pending = (pending + piece).split(b"\n")
            for line in whole:
                yield line.rstrip(b"\r")

    def cut_at(self, moment):
        """Cuts the power at that moment, whatever goes on then."""
        def wait():
            time.sleep(max(0, moment - time.monotonic()))
            if self.process.poll() is None:
                self.is_cut = True
                self.process.kill()

        threading.Thread(target=wait, daemon=True).start()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def print_console(self):
        with open(self.console, errors="replace") as file:
            sys.stderr.write(file.read()[-20000:])


def sparse_file(path, size):
    with open(path, "wb") as file:
        file.truncate(size)


def pack_job(job, path):
    """Header block with the number of blocks, then the tar."""
    sparse_file(path, JOB_SIZE)
    with open(path, "r+b") as disk:
        disk.seek(BLOCK)
        if os.path.isdir(job):
            subprocess.run(["tar", "c", "-C", job, "."], stdout=disk, check=True)
        else:
            with open(job, "rb") as tar:
                shutil.copyfileobj(tar, disk, BLOCK)
        size = os.lseek(disk.fileno(), 0, os.SEEK_CUR) - BLOCK
        if size > JOB_SIZE - BLOCK:
            raise SystemExit(f"vm: the job has {size} bytes, more than the {JOB_SIZE - BLOCK} its disk holds")
        os.pwrite(disk.fileno(), b"%d\n" % -(-size // BLOCK), 0)
        disk.truncate(JOB_SIZE)


def save(folder, smp):
    state = state_file(folder, smp)
    empty = os.path.join(folder, "empty.job")
    sparse_file(empty, JOB_SIZE)
    image = os.path.realpath(os.path.join(folder, "../disk.ext4"))
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "qcow2", "-b", image, "-F", "raw", disk_file(folder, smp)], check=True)
    machine = Machine(folder, smp, empty)
    try:
        for line in machine.lines(time.monotonic() + 600):
            if line.startswith(b"@@ready"):
                break
        else:
            machine.print_console()
            raise SystemExit("vm: the machine ended before it was ready")
        time.sleep(2)  # what systemd still does
        machine.command("stop")
        answer = machine.command(f'migrate "exec:cat > {state}.new"')
        if b"rror" in answer:
            raise SystemExit(f"vm: saving the state: {answer.decode(errors='replace')}")
        os.rename(state + ".new", state)
        machine.monitor.sendall(b"quit\n")
        machine.process.wait(30)
    except TimeoutError:
        machine.print_console()
        raise SystemExit("vm: the machine was not ready after 600 s")
    finally:
        machine.close()


def run(folder, smp, timeout, job, boot=False, data=None, cut=None):
    if data and not os.path.exists(data):
        sparse_file(data, DATA_SIZE)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "data", data], check=True)
    start = time.monotonic()
    deadline = start + timeout
    jobs = tempfile.mkdtemp(prefix="swiftlet-job-")
    machine = None
    status = None
    try:
        disk = os.path.join(jobs, "disk")
        pack_job(job, disk)
        machine = Machine(folder, smp, disk, restore=not boot, boot=boot, data=data)
        if not boot:
            while b"inmigrate" in (answer := machine.command("info status")):
                time.sleep(0.01)
            if b"running" not in answer:
                machine.command("cont")
            machine.out.sendall(b"go %d\n" % time.time())
        if os.environ.get("SWIFTLET_VM_VERBOSE"):
            print(f"vm: restored after {time.monotonic() - start:.2f} s", file=sys.stderr)

        def stop(*_):
            machine.out.sendall(b"stop\n")

        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        for line in machine.lines(deadline):
            if line.startswith(b"@@ready"):
                machine.out.sendall(b"go %d\n" % time.time())
                if cut is not None:
                    machine.cut_at(time.monotonic() + cut)
                continue
            if line == b"@@cut":
                machine.process.kill()
                status = 137
                break
            if match := re.fullmatch(rb"@@rc (\d+)", line):
                status = int(match[1])
                break
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
        if status is None and machine.is_cut:
            status = 137
        if status is None:
            machine.print_console()
            print("vm: the machine ended without the job's status", file=sys.stderr)
            status = 125
    except TimeoutError:
        machine.print_console()
        print(f"vm: the job did not end within {timeout:g} s", file=sys.stderr)
        status = 124
    finally:
        if machine:
            machine.close()
        shutil.rmtree(jobs, ignore_errors=True)
    return status


def main():
    parser = argparse.ArgumentParser(description="Saves and restores the test virtual machine.")
    parser.add_argument("action", choices=["save", "run"])
    parser.add_argument("folder")
    parser.add_argument("job", nargs="?")
    parser.add_argument("--smp", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=600, help="seconds")
    parser.add_argument("--boot", action="store_true", help="a cold boot; the job may reboot the machine")
    parser.add_argument("--disk", help="a second disk that is kept")
    parser.add_argument("--cut", type=float, help="cut the power so many seconds after the job began")
    options = parser.parse_args()
    folder = os.path.abspath(options.folder)
    if options.action == "save":
        save(folder, options.smp)
        return 0
    if not options.job:
        parser.error("run needs a JOB")
    if (options.disk or options.cut is not None) and not options.boot:
        parser.error("--disk and --cut need --boot: a saved state has neither")
    data = os.path.abspath(options.disk) if options.disk else None
    return run(folder, options.smp, options.timeout, options.job, options.boot, data, options.cut)


if __name__ == "__main__":
    sys.exit(main())
