"""Hosts of this machine alone: network namespaces on a switch of their own, which are gone with the block that made them, and whoever runs there."""
import atexit
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess

from sbin import path_with_sbin

NETWORK = "10.213.77"  # of the switch; nothing else of the machine sees it


def ip(*words, check=True):
    return subprocess.run(["ip", *map(str, words)], check=check, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=os.environ | {"PATH": path_with_sbin()})


def missing():
    """What a test lacks, in words; nothing when it has all."""
    if not shutil.which("ip", path=path_with_sbin()):
        return "no ip here: tools/setup --developer installs iproute2"
    name = f"argosy-{os.getpid()}-try"
    made = ip("netns", "add", name, check=False)
    if made.returncode != 0:
        return "network namespaces are not allowed here: " + made.stderr.strip()
    bridge = ip("-n", name, "link", "add", "bridge", "type", "bridge", check=False)
    ip("netns", "del", name)
    return "" if bridge.returncode == 0 else "no bridge can be made here: " + bridge.stderr.strip()


class Hosts:
    """Numbered from 0. Made by private()."""

    def __init__(self, count):
        self.prefix = f"argosy-{os.getpid()}-"
        self.switch, self.names = self.prefix + "switch", [f"{self.prefix}{n}" for n in range(count)]

    def make(self):
        remove_those_left_behind()
        ip("netns", "add", self.switch)
        ip("-n", self.switch, "link", "add", "bridge", "type", "bridge")
        ip("-n", self.switch, "link", "set", "bridge", "up")
        for number, name in enumerate(self.names):
            ip("netns", "add", name)
            ip("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", self.port(number), "netns", self.switch)
            ip("-n", self.switch, "link", "set", self.port(number), "master", "bridge", "up")
            ip("-n", name, "addr", "add", f"{self.address(number)}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")

    def remove(self):
        for name in [*self.names, self.switch]:
            remove(name)

    def port(self, number):
        return f"port{number}"

    def address(self, number):
        return f"{NETWORK}.{number + 1}"

    def words(self, number, command):
        """The command, run on that host. What it starts is its own: signals and exit status are the command's."""
        return [shutil.which("ip", path=path_with_sbin()), "netns", "exec", self.names[number], *map(str, command)]

    def processes(self, number):
        return [int(pid) for pid in ip("netns", "pids", self.names[number], check=False).stdout.split()]

    def limit(self, number, rate):
        """What it sends and what is sent to it, each: "1gbit"."""
        for name, device in ((self.names[number], "eth0"), (self.switch, self.port(number))):
            subprocess.run(["tc", "-n", name, "qdisc", "add", "dev", device, "root", "tbf", "rate", rate, "burst", "256kb", "latency", "100ms"],
                           check=True, env=os.environ | {"PATH": path_with_sbin()})

    def cut(self, number):
        """Its cable is pulled: nothing is said to anybody."""
        ip("-n", self.switch, "link", "set", self.port(number), "down")

    def mend(self, number):
        ip("-n", self.switch, "link", "set", self.port(number), "up")


def remove(name):
    """The host, and whoever still runs there."""
    for pid in ip("netns", "pids", name, check=False).stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    ip("netns", "del", name, check=False)


def remove_those_left_behind():
    """By whoever was killed."""
    for line in ip("netns", "list").stdout.splitlines():
        name = line.split()[0]
        owner = re.fullmatch(r"argosy-(\d+)-\w+", name)
        if owner and not pathlib.Path("/proc", owner[1]).exists():
            remove(name)


def interrupt(*_):
    raise KeyboardInterrupt  # which unittest lets through, as it does not SystemExit


@contextlib.contextmanager
def private(count):
    hosts = Hosts(count)
    signal.signal(signal.SIGTERM, interrupt)
    atexit.register(hosts.remove)  # an interrupted unittest leaves its class as it is
    try:
        hosts.make()
        yield hosts
    finally:
        hosts.remove()
        atexit.unregister(hosts.remove)
