#!/usr/bin/env python3
"""A training job on hosts of its own, which are network namespaces: what four of them train, and what happens when a cable is pulled, and what
strangers can do.

    tests/cluster/hosts.py ARGOSY ARGOSY_OF_ANOTHER_VERSION [CASE...]
"""
import contextlib
import json
import pathlib
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import private_hosts

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ARGOSY = OTHER_VERSION = ""
PATIENCE = 120  # seconds
NODES = 4
PORT = 7700
RECIPE = (ROOT / "tests/support/tiny_model.toml").read_text() + "\n[train]\nbatch = 16\nsteps = 60\n"
SAME = ("loss", "gradient_norm", "negatives_product", "negatives_bank", "pairs")


def argosy(*words):
    return subprocess.run([ARGOSY, *map(str, words)], check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout


def lines_of(run):
    file = run / "metrics.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def new_secret(file):
    file.write_text(secrets.token_hex(32) + "\n")
    file.chmod(0o600)
    return file


class Job:
    """Of one host, the last, that has the coordinator, and of nodes on the others."""

    def __init__(self, case, *sets, least=NODES):
        self.case, self.hosts, self.folder, self.data = case, case.hosts, case.folder, case.data
        self.run, self.secret = self.folder / "run", new_secret(self.folder / "secret")
        self.chief = NODES
        self.at = f"{self.hosts.address(self.chief)}:{PORT}"
        self.coordinator = self.start(self.chief, "coordinator", [ARGOSY, "coordinator", "--data", self.data, "--recipe", case.recipe, "--run",
                                                                   self.run, "--listen", self.at, "--nodes", 0, "--least", least,
                                                                   "--node-secret", self.secret, *(["--set", *sets] if sets else [])])

    def start(self, host, name, command):
        with (self.folder / f"{name}.told").open("a") as told:
            process = subprocess.Popen(self.hosts.words(host, command), stdin=subprocess.DEVNULL, stdout=told, stderr=told)
        self.case.addCleanup(self.stop, process)
        return process

    @staticmethod
    def stop(process):
        if process.poll() is None:
            process.kill()
        process.wait()

    def node(self, host, program=None, secret=None, run=None, name=None):
        of = ["--node-secret", secret or self.secret] if secret is not False else []
        return self.start(host, name or f"node{host}", [program or ARGOSY, "worker", "--data", self.data, "--run", run or self.run, "--join",
                                                        self.at, "--tensors", self.hosts.address(host), "--threads", 1, *of])

    def nodes(self):
        return [self.node(host) for host in range(NODES)]

    def told_by(self, name):
        return (self.folder / f"{name}.told").read_text()

    def told(self):
        return "\n".join(f"{file.name}: {file.read_text()[-2000:]}" for file in sorted(self.folder.glob("*.told")))

    def standing(self):
        asked = subprocess.run(self.hosts.words(self.chief, [ARGOSY, "status", self.at, "--json", "--node-secret", self.secret]),
                               stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        return json.loads(asked.stdout) if asked.returncode == 0 else {"step": 0, "nodes": []}

    def ranks(self):
        return sorted(node["rank"] for node in self.standing()["nodes"] if node["rank"] is not None)

    def wait_for(self, condition, what):
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"not within {PATIENCE} s: {what}\n{self.told()}")
            time.sleep(0.05)

    def until_step(self, step):
        self.wait_for(lambda: len(lines_of(self.run)) >= step, f"step {step}")

    def further(self, steps):
        self.until_step(len(lines_of(self.run)) + steps)

    def end(self, *nodes):
        self.case.assertEqual(self.coordinator.wait(PATIENCE), 0, self.told())
        for node in nodes:
            self.case.assertEqual(node.wait(PATIENCE), 0, self.told())

    def ask_to_stop(self):
        self.coordinator.send_signal(signal.SIGTERM)
        self.case.assertEqual(self.coordinator.wait(PATIENCE), 130, self.told())

    def ledger(self):
        return json.loads(argosy("ledger", "--run", self.run, "--json"))


class Hosts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.hosts = cls.enterClassContext(private_hosts.private(NODES + 2))  # one for the coordinator, one for a stranger
        shop, cls.data, cls.recipe = cls.made / "shop", cls.made / "data", cls.made / "recipe.toml"
        argosy("demo-shop", shop, "--products", 60, "--seed", 3, "--log-lines", 400)
        argosy("prepare", "--catalogue", shop / "products.jsonl.gz", "--images", shop / "images.tar", "--log", shop / "train_log.tsv.gz",
               "--out", cls.data, "--vocab-size", 500)
        cls.recipe.write_text(RECIPE)

    def setUp(self):
        self.folder = self.folders = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def in_one_group(self, train):
        """A job that formed one group alone. A machine that stands still for two seconds makes its nodes silent, and another group forms:
        then once more, and a third time, but what is wrong with the job itself is so in all of them."""
        for attempt in range(3):
            self.folder = self.folders / str(attempt)
            self.folder.mkdir()
            job = train()
            if job.ledger()["groups"] == 1:
                return job
        raise AssertionError(f"three times more than one group: {job.ledger()}\n{job.told()}")

    # Oracle 4, over a network: four nodes on four hosts, as four workers of one process.
    def test_four_hosts_train_as_one_process_does(self):
        self.check_four_hosts("train.bucket_kib=0")

    def test_four_hosts_that_sum_in_many_buckets_too(self):
        self.check_four_hosts("train.bucket_kib=1")

    def check_four_hosts(self, *sets):
        def train():
            job = Job(self, *sets)
            job.end(*job.nodes())
            return job

        job = self.in_one_group(train)
        argosy("train", "--data", self.data, "--recipe", self.recipe, "--run", self.folder / "one", "--set", f"train.workers={NODES}",
               "train.bucket_kib=0")
        apart, together = lines_of(job.run), lines_of(self.folder / "one")
        self.assertEqual(len(together), 60)
        self.assertEqual([[line[key] for key in SAME] for line in apart], [[line[key] for key in SAME] for line in together])
        # Before masking: of B pairs a node B - 1 others, then NODES * B - 1.
        self.assertEqual([line["candidates_product"] - 1 for line in apart], [16 // NODES - 1] * 30 + [16 - 1] * 30)
        ledger = job.ledger()
        self.assertEqual((ledger["steps"], ledger["ended"]), (60, True))

    # Nothing closes a connection: only that it is silent tells.
    def test_a_pulled_cable_takes_a_node_out_and_it_comes_back(self):
        job = Job(self, "train.steps=100000", "checkpoint.every=1000", least=2)
        job.nodes()
        job.until_step(20)
        self.assertEqual(job.ranks(), [0, 1, 2, 3])
        for host in (2, 0):
            self.hosts.cut(host)
            try:
                job.wait_for(lambda: job.ranks() == [0, 1, 2], "three ranks")
                job.further(50)
            finally:
                self.hosts.mend(host)
            job.wait_for(lambda: job.ranks() == [0, 1, 2, 3], "four ranks again")
        job.ask_to_stop()
        ledger = job.ledger()
        self.assertEqual(ledger["steps"], len(lines_of(job.run)))

    # Nodes hold when the coordinator is not reached, and go on when it is.
    def test_the_cable_of_the_coordinator(self):
        job = Job(self, "train.steps=100000", "checkpoint.every=1000", least=2)
        processes = job.nodes()
        job.until_step(20)
        nodes = [f"node{host}" for host in range(NODES)]
        self.hosts.cut(job.chief)
        try:
            job.wait_for(lambda: all("the coordinator is silent: looking for one" in job.told_by(name) for name in nodes), "all hold")
        finally:
            self.hosts.mend(job.chief)
        job.wait_for(lambda: all("a coordinator is there again" in job.told_by(name) for name in nodes), "all are connected again")
        job.further(50)
        job.wait_for(lambda: job.ranks() == [0, 1, 2, 3], "four ranks again")
        self.assertEqual([process.poll() for process in processes], [None] * NODES)
        job.ask_to_stop()
        ledger = job.ledger()
        self.assertEqual((ledger["steps"], ledger["coordinators"]), (len(lines_of(job.run)), 1))

    # ---- strangers, on a host of their own

    def test_who_has_no_right_to_join_does_not_and_nobody_is_disturbed(self):
        ledger = self.in_one_group(self.train_beside_strangers).ledger()
        self.assertEqual((ledger["steps"], ledger["taken_back"]), (60, 0))

    def train_beside_strangers(self):
        job = Job(self)
        stranger = NODES + 1
        wrong = new_secret(self.folder / "wrong")
        strangers = [job.node(stranger, secret=wrong, run=self.folder / "w", name="wrong-secret"),
                     job.node(stranger, secret=False, run=self.folder / "p", name="plain")]
        other = job.node(stranger, program=OTHER_VERSION, run=self.folder / "o", name="other-version")
        self.assertEqual(other.wait(PATIENCE), 1, job.told())
        told = (self.folder / "other-version.told").read_text()
        own = argosy("--version").split()[1]
        self.assertIn("the node is argosy 0.0.1 with protocol", told)
        self.assertIn(f"the coordinator is argosy {own} with protocol", told)
        with self.garbage(stranger, job.at):
            job.end(*job.nodes())
        self.assertIsNone(strangers[0].poll(), job.told())  # it looks for a coordinator that would have it
        strangers[0].kill()
        self.assertEqual(strangers[1].wait(PATIENCE), 1)
        self.assertIn("needs a secret or certificates", (self.folder / "plain.told").read_text())
        return job

    @contextlib.contextmanager
    def garbage(self, host, at):
        """Connections from that host that say random bytes, half a greeting, or nothing, for as long as the block goes on."""
        speak = ("import os, socket, sys, time\n"
                 "host, port = sys.argv[1].split(':')\n"
                 "held = []\n"
                 "for n in range(10 ** 9):\n"
                 "    try:\n"
                 "        one = socket.create_connection((host, int(port)), 2)\n"
                 "        one.sendall([os.urandom(4096), b'\\x16\\x03\\x01\\x40\\x00', b''][n % 3])\n"
                 "        held = held[-50:] + [one]\n"
                 "        print(n, flush=True)\n"
                 "    except OSError:\n"
                 "        pass\n"
                 "    time.sleep(.005)\n")
        said = self.folder / "garbage.told"
        with said.open("w") as told:
            process = subprocess.Popen(self.hosts.words(host, [sys.executable, "-c", speak, at]), stdin=subprocess.DEVNULL, stdout=told)
        try:
            yield
        finally:
            process.kill()
            process.wait()
        self.assertGreater(len(said.read_text().splitlines()), 20)


if __name__ == "__main__":
    ARGOSY, OTHER_VERSION = (str(pathlib.Path(path).resolve()) for path in sys.argv[1:3])
    if lacks := private_hosts.missing():
        print(f"skipped: {lacks}")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
