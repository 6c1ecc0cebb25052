"""A real sshd on each of some private hosts, and the ssh that reaches them: keys, settings and all in a folder. Of the machine's
own are the programs, and /run/sshd, which is made where it is not there and stays."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import time

from sbin import path_with_sbin

PATIENCE = 20  # seconds

SSHD = """ListenAddress {address}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/user_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
SetEnv TMPDIR={folder}/tmp
"""

SSH = """Host *
  IdentityFile {folder}/user_key
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  StrictHostKeyChecking yes
"""


def missing():
    """What a test lacks, in words; nothing when it has all."""
    for name in ("sshd", "ssh", "ssh-keygen"):
        if not shutil.which(name, path=path_with_sbin()):
            return f"no {name} here: tools/setup --sshd installs it"
    return "" if os.geteuid() == 0 else "sshd wants root"


def make_key(file):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file], check=True, stdin=subprocess.DEVNULL)


@contextlib.contextmanager
def running(hosts, numbers, folder):
    """A folder for PATH with an ssh that reaches those hosts, whose sshd end with the block. What is temporary there is beside it, in tmp."""
    pathlib.Path("/run/sshd").mkdir(exist_ok=True)  # where sshd's unprivileged half lives; Debian's unit makes it
    for key in ("host_key", "user_key"):
        make_key(folder / key)
    public = (folder / "host_key.pub").read_text().strip()
    (folder / "known_hosts").write_text("".join(f"{hosts.address(number)} {public}\n" for number in numbers))
    (folder / "ssh_config").write_text(SSH.format(folder=folder))
    for part in ("bin", "tmp"):
        (folder / part).mkdir()
    (folder / "bin/ssh").write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
    (folder / "bin/ssh").chmod(0o755)
    with contextlib.ExitStack() as daemons:
        for number in numbers:
            settings = folder / f"sshd-{number}"
            settings.write_text(SSHD.format(folder=folder, address=hosts.address(number)))
            words = hosts.words(number, [shutil.which("sshd", path=path_with_sbin()), "-D", "-f", settings, "-E", f"{settings}.log"])
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
            daemons.callback(process.wait)
            daemons.callback(process.kill)
        for number in numbers:
            wait_until_it_listens(hosts, numbers[0], number, folder)
        yield folder / "bin"


def wait_until_it_listens(hosts, from_host, number, folder):
    ask = ["bash", "-c", f"exec 3<>/dev/tcp/{hosts.address(number)}/22"]
    end = time.monotonic() + PATIENCE
    while subprocess.run(hosts.words(from_host, ask), stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode != 0:
        if time.monotonic() > end:
            log = folder / f"sshd-{number}.log"
            raise AssertionError(f"no sshd on host {number} within {PATIENCE} s: {log.read_text() if log.exists() else 'it said nothing'}")
        time.sleep(0.05)
