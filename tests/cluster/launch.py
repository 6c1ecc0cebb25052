#!/usr/bin/env python3
"""cluster/launch starts jobs of two nodes: here, over a pretended ssh and a real one, under a Slurm of its own. Of Kubernetes there are the manifests,
and a kubectl that answers for a cluster.

    tests/cluster/launch.py ARGOSY [CASE...]
"""
import contextlib
import getpass
import json
import math
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import private_hosts
import private_slurm
import private_ssh

try:
    import yaml
except ImportError:
    yaml = None

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LAUNCH = ROOT / "cluster/launch"
ARGOSY = ""
PATIENCE = 120  # seconds
STEPS = 40
RECIPE = (ROOT / "tests/support/tiny_model.toml").read_text() + "\n[train]\nbatch = 16\nsteps = {steps}\n"
ODD = "it's $(touch pwned) & \"run\""  # a folder's name that a shell may not read

# What sshd does with a command: a shell runs it in another folder. Its temporary files are told apart by TMPDIR; argv is kept.
SSH = """#!/bin/bash
printf '%s\\n' "$@" >> "$FAKE_HOST/argv"
cd "$FAKE_HOST"
TMPDIR=$FAKE_HOST/tmp SSH_CONNECTION="127.0.0.1 50000 127.0.0.1 22" exec sh -c "${@: -1}"
"""

# A cluster that runs nothing: the coordinator has succeeded when it is looked at for the second time.
KUBECTL = """#!/usr/bin/env python3
import json, os, pathlib, sys
place = pathlib.Path(os.environ["FAKE_CLUSTER"])
with (place / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
if sys.argv[1] == "apply":
    (place / "applied").write_text(sys.stdin.read())
if sys.argv[1] == "logs":
    print("log of", sys.argv[-1])
if sys.argv[1:3] == ["get", "pods"]:
    again = (place / "seen").exists()
    (place / "seen").touch()
    ends = [{"state": {"terminated": {"exitCode": 7}}}] if again else []
    print(json.dumps({"items": [
        {"metadata": {"name": "c", "labels": {"argosy-part": "coordinator"}},
         "status": {"phase": "Failed" if again else "Running", "containerStatuses": ends}},
        {"metadata": {"name": "w", "labels": {"argosy-part": "worker"}, "annotations": {"batch.kubernetes.io/job-completion-index": "1"}},
         "status": {"phase": "Running"}}]}))
"""


def argosy(*words):
    return subprocess.run([ARGOSY, *map(str, words)], check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {PATIENCE} s: {what()}")
        time.sleep(0.05)


def processes_of(run, verb=""):
    """Those of argosy whose words name the folder: of each its number."""
    found = []
    for place in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (place / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if words[0] == ARGOSY and str(run) in words and verb in (words[1], ""):
                found.append(int(place.name))
    return found


def program(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


class Started:
    """cluster/launch as it goes on."""

    def __init__(self, folder, words, environment, on_host=list):
        self.told = folder / f"told-{len(list(folder.glob('told-*')))}"
        with self.told.open("w") as to:
            self.process = subprocess.Popen(on_host([sys.executable, "-B", LAUNCH, *map(str, words)]), cwd=folder, stdin=subprocess.DEVNULL,
                                            stdout=to, stderr=to, env=os.environ | environment)

    def text(self):
        return self.told.read_text()

    def wait_for(self, *texts):
        def there():
            assert all(text in self.text() for text in texts) or self.process.poll() is None, self.text()
            return all(text in self.text() for text in texts)

        wait_for(there, self.text)

    def end(self):
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.terminate()
            self.process.wait(PATIENCE)
            raise AssertionError(self.text()) from None


class Launching(unittest.TestCase):
    """A shop, recipes, and a folder for each test."""

    @classmethod
    def setUpClass(cls):
        cls.made = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        shop, cls.data = cls.made / "shop", cls.made / "data"
        argosy("demo-shop", shop, "--products", 60, "--seed", 3, "--log-lines", 400)
        argosy("prepare", "--catalogue", shop / "products.jsonl.gz", "--images", shop / "images.tar", "--log", shop / "train_log.tsv.gz",
               "--out", cls.data, "--vocab-size", 500)
        cls.short, cls.long = cls.made / "short.toml", cls.made / "long.toml"
        cls.short.write_text(RECIPE.format(steps=STEPS))
        cls.long.write_text(RECIPE.format(steps=1_000_000))

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.run_folder = self.folder / ODD
        self.environment = {}
        self.on_host = list  # the words that run a command where the launcher is to be

    def words(self, *how, recipe=None, worker=("--threads", "1")):
        return [*how, "--argosy", ARGOSY, "--data", self.data, "--recipe", recipe or self.short, "--run", self.run_folder, "--", *worker]

    def start(self, *words):
        started = Started(self.folder, words, self.environment, self.on_host)
        self.addCleanup(self.stop, started)
        return started

    def stop(self, started):
        if started.process.poll() is None:
            started.process.terminate()
            started.process.wait(PATIENCE)

    def launch(self, *words):
        started = self.start(*words)
        return started.end(), started.text()

    def refused(self, *words):
        status, text = self.launch(*words)
        self.assertEqual(status, 1, text)
        self.assertEqual(processes_of(self.run_folder), [])
        return text

    def ledger(self):
        return json.loads(argosy("ledger", "--run", self.run_folder, "--json"))

    def steps_done(self):
        metrics = self.run_folder / "metrics.jsonl"
        return metrics.read_text().count("\n") if metrics.exists() else 0

    def check_trained(self):
        found = self.ledger()
        self.assertEqual((found["steps"], found["of"], found["ended"], found["taken_back"]), (STEPS, STEPS, True, 0))
        self.assertEqual(processes_of(self.run_folder), [])
        self.assertEqual(list(self.folder.rglob("pwned")), [])
        for number in (1, 2):
            self.assertIn(" joined ", (self.run_folder / f"logs/node-{number}.log").read_text())

    def check_saved(self):
        self.assertEqual(self.ledger()["taken_back"], 0)
        self.assertTrue(list((self.run_folder / "checkpoints").iterdir()))

    def until_training(self, started):
        started.wait_for("2 of 2")
        before = self.steps_done()
        wait_for(lambda: self.steps_done() > before, started.text)

    def kill_the_launcher(self, started):
        """Workers end with it; a coordinator is asked to."""
        started.process.kill()
        started.process.wait()
        wait_for(lambda: not processes_of(self.run_folder, "worker"), started.text)
        for left in processes_of(self.run_folder, "coordinator"):
            os.kill(left, signal.SIGTERM)
        wait_for(lambda: not processes_of(self.run_folder), started.text)


class Launches(Launching):
    # ---- here

    def test_local_nodes_train_to_the_end(self):
        status, text = self.launch(*self.words("--local", 2))
        self.assertEqual(status, 0, text)
        for said in ("node 1 has joined", "node 2 has joined", "2 of 2", f"{STEPS} of {STEPS} steps", "node 1 ended", "node 2 ended"):
            self.assertIn(said, text)
        self.check_trained()

    def test_local_nodes_have_a_secret_when_told(self):
        secret = self.folder / "secret"
        status, text = self.launch(*self.words("--local", 2, "--secret", secret))
        self.assertEqual(status, 0, text)
        self.assertEqual(secret.stat().st_mode & 0o777, 0o600)
        self.check_trained()

    def test_ctrl_c_ends_all_and_the_same_command_goes_on(self):
        words = self.words("--local", 2, recipe=self.long)
        for launched in (1, 2):
            started = self.start(*words)
            self.until_training(started)
            started.process.send_signal(signal.SIGINT)
            self.assertEqual(started.end(), 130, started.text())
            self.assertIn("asked to stop", started.text())
            self.assertEqual(processes_of(self.run_folder), [])
            self.assertEqual(self.ledger()["coordinators"], launched)
            self.check_saved()

    def test_a_killed_worker_is_told(self):
        started = self.start(*self.words("--local", 2, recipe=self.long))
        self.until_training(started)
        os.kill(processes_of(self.run_folder, "worker")[0], signal.SIGKILL)
        started.wait_for("was killed by SIGKILL")
        self.assertRegex(started.text(), "node [12] was killed by SIGKILL")
        self.until_training(started)
        started.process.send_signal(signal.SIGTERM)
        self.assertEqual(started.end(), 130, started.text())
        self.assertEqual(processes_of(self.run_folder), [])

    def test_a_killed_coordinator_is_started_again_so_often(self):
        started = self.start(*self.words("--local", 2, "--restarts", 1, recipe=self.long))
        for end in ("; started again, 0 restarts are left", "\n"):
            self.until_training(started)
            os.kill(processes_of(self.run_folder, "coordinator")[0], signal.SIGKILL)
            started.wait_for("the coordinator was killed by SIGKILL" + end)
        self.assertEqual(started.end(), 128 + signal.SIGKILL, started.text())
        self.assertEqual(self.ledger()["coordinators"], 2)
        self.assertEqual(processes_of(self.run_folder), [])

    def test_a_job_without_nodes_ends(self):
        status, text = self.launch(*self.words("--local", 2, worker=("--threads", "0")))
        self.assertEqual(status, 1, text)
        self.assertIn("node 1 ended with status", text)
        self.assertIn("no node is left", text)
        self.assertEqual(processes_of(self.run_folder), [])

    def test_what_the_coordinator_refuses_ends_the_job(self):
        text = self.refused(*self.words("--local", 2, "--set", "train.batch=none"))
        self.assertIn("train.batch", text)
        self.assertIn("the coordinator ended with status 1", text)

    # ---- over ssh

    def pretend_ssh(self):
        program(self.folder / "bin", "ssh", SSH)
        host = self.folder / "host"
        (host / "tmp").mkdir(parents=True)
        hosts = self.folder / "hosts"
        hosts.write_text("# two machines\nsomebody@first   # in the cellar\n\nsecond 127.0.0.1\n")
        self.environment = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "FAKE_HOST": str(host)}
        return host, ("--hosts", hosts, "--listen", "127.0.0.1:0")

    def test_hosts_train_with_a_secret_that_only_ssh_carries(self):
        host, how = self.pretend_ssh()
        status, text = self.launch(*self.words(*how))
        self.assertEqual(status, 0, text)
        self.assertIn("node 1 (somebody@first) has joined", text)
        self.assertIn("node 2 (second) has joined", text)
        self.check_trained()
        secret = self.run_folder / "node.secret"
        self.assertEqual(secret.stat().st_mode & 0o777, 0o600)
        self.assertGreaterEqual(len(secret.read_text().strip()), 32)
        said = (host / "argv").read_text()
        self.assertIn("somebody@first\n", said)
        self.assertNotIn(secret.read_text().strip(), said + text)
        self.assertEqual(list((host / "tmp").iterdir()), [])

    def test_ctrl_c_ends_workers_behind_ssh(self):
        host, how = self.pretend_ssh()
        started = self.start(*self.words(*how, recipe=self.long))
        self.until_training(started)
        copies = list((host / "tmp").iterdir())
        self.assertEqual([copy.stat().st_mode & 0o777 for copy in copies], [0o600, 0o600])
        started.process.send_signal(signal.SIGINT)
        self.assertEqual(started.end(), 130, started.text())
        self.assertEqual(processes_of(self.run_folder), [])
        wait_for(lambda: not list((host / "tmp").iterdir()), lambda: "a secret is left")

    def test_workers_behind_ssh_end_when_the_launcher_is_killed(self):
        _, how = self.pretend_ssh()
        started = self.start(*self.words(*how, recipe=self.long))
        self.until_training(started)
        self.kill_the_launcher(started)

    def test_a_worker_killed_behind_ssh_is_told(self):
        _, how = self.pretend_ssh()
        started = self.start(*self.words(*how, recipe=self.long))
        self.until_training(started)
        os.kill(processes_of(self.run_folder, "worker")[0], signal.SIGKILL)
        started.wait_for(") was killed by SIGKILL")

    def test_hosts_that_are_none_are_refused_with_their_line(self):
        hosts = self.folder / "hosts"
        for text, line, said in (("one\n-oProxyCommand=x\n", 2, "want a host"), ("one two\n", 1, "address in numbers"),
                                 ("a b c\n", 1, "3 words"), ("a;b\n", 1, "`a;b`")):
            hosts.write_text(text)
            told = self.refused(*self.words("--hosts", hosts))
            self.assertIn(f"{hosts}:{line}: ", told)
            self.assertIn(said, told)
        hosts.write_text("# nobody\n")
        self.assertIn("no host in it", self.refused(*self.words("--hosts", hosts)))

    # ---- words

    def test_a_secret_that_others_may_read_or_guess_is_refused(self):
        secret = self.folder / "secret"
        for text, mode, said in (("x" * 64, 0o644, "found mode 0644"), ("x" * 31, 0o600, "32 characters"),
                                 ("x" * 40 + " y", 0o600, "without spaces")):
            secret.write_text(text + "\n")
            secret.chmod(mode)
            told = self.refused(*self.words("--local", 2, "--secret", secret))
            self.assertIn(str(secret), told)
            self.assertIn(said, told)

    def test_what_is_not_there_is_named(self):
        self.assertIn("/nowhere.toml: no such file", self.refused(*self.words("--local", 2, recipe="/nowhere.toml")))
        self.assertIn("/nowhere/argosy: no such program", self.refused("--local", 2, "--argosy", "/nowhere/argosy", "--data", "d",
                                                                       "--recipe", self.short, "--run", self.run_folder))
        self.assertIn("--nodes", self.refused(*self.words("--slurm")))
        self.assertIn("line break", self.refused(*self.words("--slurm", "--nodes", 2, "--set", "a=1\nEND_OF_TASK\ntouch pwned")))

    # ---- Slurm

    def test_the_sbatch_file_is_what_it_should_be(self):
        status, text = self.launch(*self.words("--slurm", "--nodes", 3, "--sbatch=--gpus-per-task=1", "--restarts", 5, "--initial",
                                               "/shared/initial", "--dry-run"))
        self.assertEqual(status, 0, text)
        lines = text.splitlines()
        self.assertEqual(lines[0], "#!/bin/bash")
        for line in ("#SBATCH --ntasks=3", "#SBATCH --ntasks-per-node=1", "#SBATCH --gpus-per-task=1"):
            self.assertIn(line, lines[:lines.index("set -u")])
        self.assertIn("restarts=5", text)
        self.assertIn("--nodes 3", text)
        self.assertEqual(text.count("--initial /shared/initial"), 2)  # for the coordinator and for workers
        self.assertFalse(self.run_folder.exists())
        self.assertEqual(subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode, 0)

    def slurm(self):
        if missing := private_slurm.missing():
            self.skipTest(missing)
        slurm = self.enterContext(private_slurm.running())
        self.environment = {"SLURM_CONF": str(slurm)}
        return "--slurm", "--nodes", 2, "--tasks-per-machine", 2

    def test_slurm_trains_to_the_end(self):
        status, text = self.launch(*self.words(*self.slurm()))
        self.assertEqual(status, 0, text)
        for said in ("Slurm's job", "2 of 2", f"{STEPS} of {STEPS} steps", "node 1 (", "ended with status 0"):
            self.assertIn(said, text)
        self.check_trained()

    def test_slurm_starts_a_coordinator_again_and_ctrl_c_cancels(self):
        started = self.start(*self.words(*self.slurm(), recipe=self.long))
        self.until_training(started)
        os.kill(processes_of(self.run_folder, "coordinator")[0], signal.SIGKILL)
        started.wait_for("started again, 2 restarts are left")
        self.until_training(started)
        started.process.send_signal(signal.SIGINT)
        self.assertNotEqual(started.end(), 0, started.text())
        self.assertIn("asked to stop: scancel", started.text())
        wait_for(lambda: not processes_of(self.run_folder), started.text)
        self.assertEqual(self.ledger()["coordinators"], 2)
        self.assertTrue(list((self.run_folder / "checkpoints").iterdir()))

    def test_slurm_tells_what_the_coordinator_refuses(self):
        status, text = self.launch(*self.words(*self.slurm(), "--set", "train.batch=none"))
        self.assertEqual(status, 1, text)
        self.assertIn("train.batch", text)

    # ---- Kubernetes

    def kubernetes_words(self, *more):
        return ["--kubernetes", "--nodes", 3, "--image", "shop/argosy:1", "--claim", "volume", "--data", "/shared/it's: data",
                "--recipe", self.short, "--run", "/shared/run", *more, "--set", "train.steps=9", "--", "--threads", "2"]

    @unittest.skipUnless(yaml, "no python3-yaml")
    def test_the_manifests_are_what_they_should_be(self):
        status, text = self.launch(*self.kubernetes_words("--dry-run"))
        self.assertEqual(status, 0, text)
        recipe, service, coordinator, worker = yaml.safe_load_all(text)
        self.assertEqual([one["kind"] for one in (recipe, service, coordinator, worker)], ["ConfigMap", "Service", "Job", "Job"])
        self.assertEqual(recipe["data"]["recipe.toml"], self.short.read_text())
        self.assertEqual([worker["spec"][name] for name in ("completionMode", "completions", "parallelism")], ["Indexed", 3, 3])
        self.assertEqual(coordinator["spec"]["template"]["metadata"]["labels"], service["spec"]["selector"])
        port = service["spec"]["ports"][0]["port"]
        words = coordinator["spec"]["template"]["spec"]["containers"][0]["args"]
        for name, value in (("--data", "/shared/it's: data"), ("--listen", f"$(POD_IP):{port}"), ("--nodes", "3"),
                            ("--set", "train.steps=9")):
            self.assertEqual(words[words.index(name) + 1], value)
        words = worker["spec"]["template"]["spec"]["containers"][0]["args"]
        self.assertEqual(words[:2], ["argosy", "worker"])
        self.assertEqual(words[words.index("--join") + 1], f"{service['metadata']['name']}:{port}")
        self.assertEqual(words[words.index("--tensors") + 1], "$(POD_IP)")
        self.assertEqual(words[words.index("--threads") + 1], "2")
        self.check_volumes(coordinator, worker)

    @unittest.skipUnless(yaml, "no python3-yaml")
    def test_the_serving_manifest_is_yaml(self):
        service, serving = yaml.safe_load_all((ROOT / "cluster/kubernetes/serve.yaml").read_text())
        self.assertEqual((service["kind"], serving["kind"]), ("Service", "StatefulSet"))
        self.assertEqual(serving["spec"]["serviceName"], service["metadata"]["name"])
        self.assertEqual(serving["spec"]["selector"]["matchLabels"], serving["spec"]["template"]["metadata"]["labels"])
        self.check_volumes(serving)

    def check_volumes(self, *all_of):
        for one in all_of:
            pod = one["spec"]["template"]["spec"]
            mounts = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
            self.assertEqual({volume["name"] for volume in pod["volumes"]}, mounts)

    def test_kubernetes_is_given_the_job_and_asked_until_its_end(self):
        program(self.folder / "bin", "kubectl", KUBECTL)
        self.environment = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "FAKE_CLUSTER": str(self.folder)}
        status, text = self.launch(*self.kubernetes_words("--name", "shop"))
        self.assertEqual(status, 7, text)
        applied = (self.folder / "applied").read_text()
        secret = json.loads(applied.rpartition("---\n")[2])
        self.assertEqual((secret["kind"], secret["metadata"]["name"], list(secret["data"])), ("Secret", "shop-secret", ["node.secret"]))
        self.assertIn("log of c", text)
        self.assertEqual((self.folder / "shop/logs/node-2.log").read_text(), "log of w\n")
        self.assertIn("delete job,service,configmap,secret -l argosy=shop", (self.folder / "calls").read_text().splitlines()[-1])


class OverSsh(Launching):
    """The launcher on one host, a worker on each of two others, on which a real sshd runs."""

    @classmethod
    def setUpClass(cls):
        if lacks := private_hosts.missing() or private_ssh.missing():
            raise unittest.SkipTest(lacks)
        super().setUpClass()
        cls.hosts = cls.enterClassContext(private_hosts.private(3))

    def setUp(self):
        super().setUp()
        keys = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        ssh = self.enterContext(private_ssh.running(self.hosts, (0, 1), keys))
        self.copies = keys / "tmp"  # of the secret, on the hosts
        self.environment = {"PATH": f"{ssh}:{os.environ['PATH']}"}
        self.on_host = lambda command: self.hosts.words(2, command)
        self.names = self.folder / "hosts"
        self.names.write_text("".join(f"{getpass.getuser()}@{self.hosts.address(number)}\n" for number in (0, 1)))

    def workers_on(self, number):
        return sorted(set(processes_of(self.run_folder, "worker")) & set(self.hosts.processes(number)))

    def wait_until_no_secret_is_left(self):
        wait_for(lambda: not list(self.copies.iterdir()), lambda: "a secret is left")

    def test_hosts_train_to_the_end(self):
        status, text = self.launch(*self.words("--hosts", self.names))
        self.assertEqual(status, 0, text)
        for number in (1, 2):
            self.assertIn(f"node {number} ({getpass.getuser()}@{self.hosts.address(number - 1)}) has joined", text)
        self.assertIn(f"{STEPS} of {STEPS} steps", text)
        self.check_trained()
        losses = [json.loads(line)["loss"] for line in (self.run_folder / "metrics.jsonl").read_text().splitlines()]
        self.assertEqual(len(losses), STEPS)
        self.assertTrue(all(0 < loss < math.inf for loss in losses), losses)
        self.wait_until_no_secret_is_left()
        self.assertNotIn((self.run_folder / "node.secret").read_text().strip(), text)

    def test_ctrl_c_ends_all_on_every_host_and_the_same_command_goes_on(self):
        started = self.start(*self.words("--hosts", self.names, recipe=self.long))
        self.until_training(started)
        self.assertEqual([len(self.workers_on(number)) for number in (0, 1)], [1, 1])
        started.wait_for(" of 1,000,000 steps")
        self.assertEqual([copy.stat().st_mode & 0o777 for copy in self.copies.iterdir()], [0o600, 0o600])
        started.process.send_signal(signal.SIGINT)
        self.assertEqual(started.end(), 130, started.text())
        self.assertEqual(processes_of(self.run_folder), [])
        self.wait_until_no_secret_is_left()
        self.check_saved()
        done = self.steps_done()
        again = self.start(*self.words("--hosts", self.names, recipe=self.long))
        self.until_training(again)
        self.assertGreater(self.steps_done(), done)

    def test_workers_end_when_the_launcher_is_killed(self):
        started = self.start(*self.words("--hosts", self.names, recipe=self.long))
        self.until_training(started)
        self.kill_the_launcher(started)
        self.wait_until_no_secret_is_left()

    def test_a_host_that_dies_is_told_and_the_other_trains_on(self):
        started = self.start(*self.words("--hosts", self.names, recipe=self.long))
        self.until_training(started)
        for process in self.hosts.processes(1):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        started.wait_for("node 2 ", "was lost: ssh ended with status 255")
        before = self.steps_done()
        wait_for(lambda: self.steps_done() > before + 5, started.text)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    ARGOSY = shutil.which(sys.argv[1]) or sys.exit(f"{sys.argv[1]}: no such program")
    ARGOSY = os.path.abspath(ARGOSY)
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
