"""A training job whose coordinator and nodes are hosts of this machine alone (tests/cluster/private_hosts.py), from its first step to its last."""
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cluster"))
import private_hosts  # noqa: E402

PORT = 7700
WARM = 5  # steps that do not count


class Ended:
    """Of a job: what its metrics say of the steps that count, its ledger, and the most memory that each node took, in MB."""

    def __init__(self, options, run, peaks):
        self.lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][WARM:]
        self.ledger = json.loads(subprocess.run([options.argosy, "ledger", "--run", run, "--json"], check=True, capture_output=True).stdout)
        self.peaks = peaks

    def median(self, key):
        return statistics.median(line[key] for line in self.lines)


def wait(process):
    """Its exit code, and the most memory that it took, in MB."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used.ru_maxrss / 1024


def train(options, hosts, folder, sets, beside=contextlib.nullcontext):
    """`options`: argosy, data, recipe, nodes, steps, set. The coordinator is the host after the nodes; beside(its address) is entered meanwhile."""
    folder.mkdir()
    secret, run = folder / "secret", folder / "run"
    secret.touch(0o600)
    secret.write_text("of-the-jobs-of-this-benchmark-alone\n")
    at = f"{hosts.address(options.nodes)}:{PORT}"
    processes = []

    def start(host, words):
        words = [options.argosy, *words, "--data", options.data, "--run", run, "--node-secret", secret]
        processes.append(subprocess.Popen(hosts.words(host, words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    try:
        start(options.nodes, ["coordinator", "--recipe", options.recipe, "--listen", at, "--least", options.nodes, "--set", *options.set, *sets,
                              f"train.steps={options.steps + WARM}"])
        for host in range(options.nodes):
            start(host, ["worker", "--join", at, "--threads", 1, "--tensors", hosts.address(host)])
        with beside(at):
            ends = [wait(process) for process in processes]
    finally:
        for process in processes:
            if process.returncode is None:
                process.kill()
                process.wait()
    if any(code for code, _ in ends):
        sys.exit(f"the job ended with {[code for code, _ in ends]}")
    return Ended(options, run, [peak for _, peak in ends[1:]])


def add_arguments(parser, steps):
    parser.add_argument("--argosy", default="build/argosy")
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--json", action="store_true")


def parsed(parser):
    options = parser.parse_args()
    options.argosy = str(pathlib.Path(options.argosy).resolve())
    if lacks := private_hosts.missing():
        sys.exit(lacks)
    return options
