#!/usr/bin/env python3
"""What it costs a training job of many nodes that its processes are killed.

    tests/bench/cluster/chaos.py --argosy build/argosy --data data --recipe recipe.toml [--nodes 4] [--seconds 240] [--every 20] [--set ...] [--json]

All processes are on this machine. The job trains undisturbed for a quarter of the time; then as many steps as it did in that pace fill `--seconds`,
a new run does them while every `--every` seconds a node is killed (kill -9) and another one joins at once; in the middle the coordinator is killed too and
started again after a second. Rates are of all pairs from the first step to the last; recoveries are what the coordinator says: from when a group
ended to the next step that all ranks of the next one have done.
"""
import argparse
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


class Job:
    def __init__(self, options, folder, sets):
        self.options, self.run, self.err = options, folder / "run", folder / "coordinator.err"
        self.address, self.sets, self.nodes = folder / "address", sets, []
        self.start_coordinator("127.0.0.1:0")
        for _ in range(options.nodes):
            self.start_node()

    def start_coordinator(self, listen):
        self.address.unlink(missing_ok=True)
        words = ["coordinator", "--data", self.options.data, "--recipe", self.options.recipe, "--run", self.run, "--listen", listen,
                 "--nodes", self.options.nodes, "--address-file", self.address, "--set", *self.sets]
        with open(self.err, "a") as err:
            self.coordinator = subprocess.Popen([self.options.argosy, *map(str, words)], stdout=subprocess.DEVNULL, stderr=err)
        while not self.address.exists() or not self.address.read_text().strip():
            if self.coordinator.poll() is not None:
                sys.exit(f"the coordinator ended with {self.coordinator.returncode}: {self.err.read_text()[-500:]}")
            time.sleep(0.02)
        self.listens = self.address.read_text().strip()

    def start_node(self):
        words = ["worker", "--data", self.options.data, "--run", self.run, "--join", self.listens, "--threads", 1]
        self.nodes.append(subprocess.Popen([self.options.argosy, *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def metrics(self):
        file = self.run / "metrics.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        return len(lines)

    def wait_for_steps(self, steps):
        while self.metrics() < steps:
            if self.coordinator.poll() is not None:
                sys.exit(f"the coordinator ended with {self.coordinator.returncode}: {self.err.read_text()[-500:]}")
            time.sleep(0.05)

    def end(self):
        for one in [self.coordinator, *self.nodes]:  # nodes end with their job
            if one.poll() is None and one is self.coordinator:
                one.send_signal(signal.SIGTERM)
            one.wait(timeout=60)


def undisturbed(options, folder):
    job = Job(options, folder, options.set + ["train.steps=1000000"])
    job.wait_for_steps(3)
    first, began = job.metrics(), time.monotonic()
    time.sleep(options.seconds / 4)
    per_s = (job.metrics() - first) / (time.monotonic() - began)
    job.end()
    return per_s


def disturbed(options, folder, steps):
    draws = random.Random(1)
    job = Job(options, folder, options.set + [f"train.steps={steps}"])
    job.wait_for_steps(3)
    first, began = job.metrics(), time.monotonic()
    kills, coordinator_killed = 0, False
    while job.coordinator.poll() is None:
        due = began + (kills + 1) * options.every
        while time.monotonic() < due and job.coordinator.poll() is None:
            time.sleep(0.05)
        if job.coordinator.poll() is not None:
            break
        alive = [one for one in job.nodes if one.poll() is None]
        victim = draws.choice(alive)
        victim.kill()
        victim.wait()
        job.start_node()
        kills += 1
        if not coordinator_killed and time.monotonic() - began > options.seconds / 2:
            coordinator_killed = True
            job.coordinator.kill()
            job.coordinator.wait()
            time.sleep(1)
            job.start_coordinator(job.listens)
    seconds = time.monotonic() - began
    code = job.coordinator.returncode
    job.end()
    recoveries = [float(x) for x in re.findall(r"nodes train, ([0-9.]+) s after", job.err.read_text())]
    ledger = subprocess.run([options.argosy, "ledger", "--run", str(job.run), "--json"], capture_output=True, text=True, check=True)
    return {"per_s": (job.metrics() - first) / seconds, "kills": kills, "coordinator_killed": coordinator_killed, "exit": code,
            "recoveries": recoveries, "ledger": json.loads(ledger.stdout)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--argosy", default="build/argosy")
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--every", type=float, default=20)
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "a").mkdir()
        (folder / "b").mkdir()
        calm = undisturbed(options, folder / "a")
        steps = max(20, int(calm * options.seconds))
        storm = disturbed(options, folder / "b", steps)
    figures = {"steps": steps, "steps_per_s_undisturbed": calm, "steps_per_s": storm["per_s"], "share": storm["per_s"] / calm,
               "kills": storm["kills"], "coordinator_killed": storm["coordinator_killed"], "exit": storm["exit"],
               "recovery_median_s": statistics.median(storm["recoveries"]) if storm["recoveries"] else None,
               "recovery_longest_s": max(storm["recoveries"], default=None), "recoveries": len(storm["recoveries"]), "ledger": storm["ledger"]}
    if options.json:
        print(json.dumps(figures))
        return
    print(f"undisturbed {calm:.2f} steps/s, disturbed {storm['per_s']:.2f}, {figures['share']:.0%}; {steps} steps, exit {storm['exit']}")
    print(f"{storm['kills']} nodes killed, coordinator killed: {storm['coordinator_killed']}; {figures['recoveries']} recoveries, "
          f"median {figures['recovery_median_s']} s, longest {figures['recovery_longest_s']} s")
    print(f"ledger: {storm['ledger']}")


if __name__ == "__main__":
    main()
