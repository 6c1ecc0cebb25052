"""A Slurm of this machine alone, with a munged of its own, in a folder that is removed with it."""
import contextlib
import os
import pathlib
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time

from sbin import path_with_sbin

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "sinfo")
PATIENCE = 60  # seconds

CONF = """ClusterName=private
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=10
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """What a test lacks, in words; nothing when it has all."""
    for name in NEEDED:
        if not shutil.which(name, path=path_with_sbin()):
            return f"no {name} here: tools/setup --developer installs Slurm"
    return "" if os.geteuid() == 0 else "slurmd and its steps want root"


@contextlib.contextmanager
def running():
    """The path of its slurm.conf, until the block is left."""
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as name, contextlib.ExitStack() as daemons:
        folder = pathlib.Path(name)
        for part in ("munge", "state", "spool"):
            (folder / part).mkdir(mode=0o700)
        (folder / "munge/key").write_bytes(secrets.token_bytes(128))
        (folder / "munge/key").chmod(0o600)
        conf = folder / "slurm.conf"
        conf.write_text(CONF.format(host=socket.gethostname().partition(".")[0], user=pwd.getpwuid(os.geteuid()).pw_name, folder=folder,
                                    ports=free_ports(2)))
        environment = os.environ | {"SLURM_CONF": str(conf), "PATH": path_with_sbin()}
        parts = ("key-file", "pid-file", "log-file", "seed-file", "socket")
        munge = [f"--{part}={folder}/munge/{part.partition('-')[0]}" for part in parts]
        for words in (["munged", "--foreground", "--force", *munge], ["slurmctld", "-D", "-c"], ["slurmd", "-D"]):
            daemons.enter_context(daemon(words, folder / f"{words[0]}.out", environment))
            if words[0] == "munged":
                wait_until(lambda: (folder / "munge/socket").exists(), folder / "munged.out")
        wait_until(lambda: "idle" in asked(["sinfo", "--noheader", "--format=%T"], environment), folder / "slurmctld.out")
        yield conf
        asked(["scancel", f"--user={os.geteuid()}"], environment)
        wait_until(lambda: not asked(["squeue", "--noheader"], environment).strip(), folder / "slurmctld.out")


def free_ports(count):
    with contextlib.ExitStack() as all_of:
        held = [all_of.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in held]


@contextlib.contextmanager
def daemon(words, told, environment):
    with told.open("w") as to:
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=to, stderr=to, env=environment)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def asked(words, environment):
    return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False).stdout


def wait_until(condition, told):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"Slurm is not ready: {told.read_text()}")
        time.sleep(0.1)
