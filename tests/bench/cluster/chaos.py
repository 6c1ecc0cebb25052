#!/usr/bin/env python3
"""What it costs a training job of many nodes that its processes are killed and its cables pulled.

    tests/bench/cluster/chaos.py --argosy build/argosy --data data --recipe recipe.toml [--nodes 4] [--seconds 240] [--every 20] [--set ...]
                                 [--hosts] [--queries FILE --qrels FILE] [--json]

The job trains undisturbed for as many steps as fill `--seconds`, by its pace after some twenty. Then a new run does the same steps while every
`--every` seconds a node is killed (kill -9) and another one joins at once; after a third of the time a node is cut off for five seconds (with
`--hosts`, which gives each node and the coordinator a network namespace of its own; without it all are on one loopback and nobody is cut off),
after half of it the coordinator is killed and started again after a second. Rates are of all pairs from the third step to the last;
recoveries are what the coordinator says: from when a group ended to the next step that all ranks of the next one have done. With queries and
what is relevant to them both runs are published and evaluated.
"""
import argparse
import contextlib
import json
import pathlib
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cluster"))
import private_hosts  # noqa: E402

CUT = 5  # seconds
PORT = 7700
SECRET = "of-the-chaos-of-this-benchmark-alone"


class Loopback:
    """All on this machine, as they are."""

    def words(self, _, command):
        return [str(word) for word in command]

    def address(self, _):
        return "127.0.0.1"


class Job:
    processes = []  # of all jobs

    def __init__(self, options, folder, hosts, sets):
        self.options, self.hosts, self.run, self.err = options, hosts, folder / "run", folder / "coordinator.err"
        folder.mkdir()
        self.secret = folder / "secret"
        self.secret.touch(0o600)
        self.secret.write_text(SECRET + "\n")
        self.address, self.sets, self.nodes = folder / "address", sets, {}
        self.chief = options.nodes
        self.start_coordinator(f"{hosts.address(self.chief)}:{PORT if options.hosts else 0}")
        for host in range(options.nodes):
            self.start_node(host)

    def start_coordinator(self, listen):
        self.address.unlink(missing_ok=True)
        words = ["coordinator", "--data", self.options.data, "--recipe", self.options.recipe, "--run", self.run, "--listen", listen,
                 "--nodes", self.options.nodes, "--least", 2, "--address-file", self.address, *self.credentials(), "--set", *self.sets]
        with open(self.err, "a") as err:
            self.coordinator = self.start(self.chief, words, err)
        while not self.address.exists() or not self.address.read_text().strip():
            self.fail_unless_alive()
            time.sleep(0.02)
        self.listens = self.address.read_text().strip()

    def credentials(self):
        return ["--node-secret", self.secret] if self.options.hosts else []

    def start_node(self, host):
        words = ["worker", "--data", self.options.data, "--run", self.run, "--join", self.listens, "--threads", 1, "--tensors",
                 self.hosts.address(host), *self.credentials()]
        self.nodes[host] = self.start(host, words, subprocess.DEVNULL)

    def start(self, host, words, err):
        process = subprocess.Popen(self.hosts.words(host, [self.options.argosy, *words]), stdout=subprocess.DEVNULL, stderr=err)
        self.processes.append(process)
        return process

    @classmethod
    def kill_all(cls):
        for process in cls.processes:
            process.kill()
            process.wait()

    def fail_unless_alive(self):
        if self.coordinator.poll() is not None:
            sys.exit(f"the coordinator ended with {self.coordinator.returncode}: {self.err.read_text()[-500:]}")

    def steps(self):
        file = self.run / "metrics.jsonl"
        return file.read_text().count("\n") if file.exists() else 0

    def wait_for_steps(self, steps):
        while self.steps() < steps:
            self.fail_unless_alive()
            time.sleep(0.05)

    def stop(self):
        self.coordinator.send_signal(signal.SIGTERM)
        self.wait()

    def wait(self):
        """For the end of the job, which ends its nodes; the seconds it took from now on."""
        began = time.monotonic()
        code = self.coordinator.wait()
        took = time.monotonic() - began
        for node in self.nodes.values():  # one that joined too late never hears of the end
            try:
                node.wait(timeout=60)
            except subprocess.TimeoutExpired:
                node.kill()
                node.wait()
        return took, code

    def ledger(self):
        told = subprocess.run([self.options.argosy, "ledger", "--run", self.run, "--json"], capture_output=True, text=True, check=True)
        return json.loads(told.stdout)


def pace(options, folder, hosts):
    job = Job(options, folder, hosts, options.set + ["train.steps=1000000"])
    job.wait_for_steps(3)
    first, began = job.steps(), time.monotonic()
    job.wait_for_steps(first + 20)
    per_s = (job.steps() - first) / (time.monotonic() - began)
    job.stop()
    return per_s


def undisturbed(options, folder, hosts, steps):
    job = Job(options, folder, hosts, options.set + [f"train.steps={steps}"])
    job.wait_for_steps(3)
    first = job.steps()
    took, code = job.wait()
    if code != 0:
        sys.exit(f"the undisturbed job ended with {code}")
    return {"per_s": (steps - first) / took, "run": job.run}


class Storm:
    """What happens to a job, and when, from its third step on."""

    def __init__(self, options, job):
        self.options, self.job, self.draws = options, job, random.Random(1)
        self.events = [(n * options.every, self.kill_node) for n in range(1, int(options.seconds / options.every) + 1)]
        self.events.append((options.seconds / 2 + options.every / 3, self.kill_coordinator))
        if options.hosts:
            at = options.seconds / 3 + options.every / 2
            self.events += [(at, self.cut), (at + CUT, self.mend)]
        self.events.sort(key=lambda event: event[0])
        self.done = []

    def blow(self):
        began = time.monotonic()
        for at, what in self.events:
            while time.monotonic() < began + at and self.job.coordinator.poll() is None:
                time.sleep(0.05)
            if self.job.coordinator.poll() is not None:
                break
            what()
            self.done.append(what.__name__)
        self.job.coordinator.wait()
        seconds = time.monotonic() - began
        self.job.wait()
        return seconds

    def kill_node(self):
        host = self.draws.choice([host for host, node in self.job.nodes.items() if node.poll() is None])
        self.job.nodes[host].kill()
        self.job.nodes[host].wait()
        self.job.start_node(host)

    def kill_coordinator(self):
        self.job.coordinator.kill()
        self.job.coordinator.wait()
        time.sleep(1)
        self.job.start_coordinator(self.job.listens)

    def cut(self):
        self.apart = self.draws.randrange(self.options.nodes)
        self.job.hosts.cut(self.apart)

    def mend(self):
        self.job.hosts.mend(self.apart)


def disturbed(options, folder, hosts, steps):
    job = Job(options, folder, hosts, options.set + [f"train.steps={steps}"])
    job.wait_for_steps(3)
    first = job.steps()
    storm = Storm(options, job)
    seconds = storm.blow()
    recoveries = [float(x) for x in re.findall(r"nodes train, ([0-9.]+) s after", job.err.read_text())]
    return {"per_s": (steps - first) / seconds, "kills": storm.done.count("kill_node"), "run": job.run,
            "coordinator_killed": "kill_coordinator" in storm.done, "cut_off": "mend" in storm.done, "exit": job.coordinator.returncode,
            "recoveries": recoveries, "ledger": job.ledger()}


def recall(options, run, store):
    subprocess.run([options.argosy, "publish", "--run", run, "--data", options.data, "--store", store], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    told = subprocess.run([options.argosy, "evaluate", "--store", store, "--queries", options.queries, "--qrels", options.qrels, "-k", "10",
                           "--json"], check=True, capture_output=True, text=True)
    return json.loads(told.stdout)["all"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--argosy", default="build/argosy")
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--every", type=float, default=20)
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--hosts", action="store_true", help="network namespaces: wants root and iproute2")
    parser.add_argument("--queries")
    parser.add_argument("--qrels")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.argosy = str(pathlib.Path(options.argosy).resolve())
    if options.hosts and (lacks := private_hosts.missing()):
        sys.exit(lacks)
    signal.signal(signal.SIGTERM, private_hosts.interrupt)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as until_the_end:
        folder = pathlib.Path(folder)
        until_the_end.callback(Job.kill_all)
        hosts = until_the_end.enter_context(private_hosts.private(options.nodes + 1)) if options.hosts else Loopback()
        steps = max(20, int(pace(options, folder / "pace", hosts) * options.seconds))
        calm = undisturbed(options, folder / "calm", hosts, steps)
        storm = disturbed(options, folder / "storm", hosts, steps)
        found = [recall(options, of["run"], folder / f"store{n}") for n, of in enumerate((calm, storm))] if options.queries else None
    recoveries = storm["recoveries"]
    figures = {"steps": steps, "steps_per_s_undisturbed": calm["per_s"], "steps_per_s": storm["per_s"], "share": storm["per_s"] / calm["per_s"],
               "kills": storm["kills"], "coordinator_killed": storm["coordinator_killed"], "cut_off": storm["cut_off"], "exit": storm["exit"],
               "recovery_median_s": statistics.median(recoveries) if recoveries else None,
               "recovery_longest_s": max(recoveries, default=None), "recoveries": recoveries, "ledger": storm["ledger"],
               "recall_undisturbed": found and found[0], "recall": found and found[1]}
    if options.json:
        print(json.dumps(figures))
        return
    print(f"undisturbed {calm['per_s']:.2f} steps/s, disturbed {storm['per_s']:.2f}, {figures['share']:.0%}; {steps} steps, exit {storm['exit']}")
    print(f"{storm['kills']} nodes killed, coordinator killed: {storm['coordinator_killed']}, a node cut off for {CUT} s: {storm['cut_off']}; "
          f"{len(recoveries)} recoveries, median {figures['recovery_median_s']} s, all: {recoveries}")
    print(f"ledger: {storm['ledger']}")
    if found:
        print(f"undisturbed: {found[0]}\ndisturbed: {found[1]}")


if __name__ == "__main__":
    main()
