#!/usr/bin/env python3
"""The scripts of the tree: each is read by bash without a complaint, and what does no work answers as it should."""
import pathlib
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def scripts():
    files = [file for folder in ("tools", "cluster", ".ci") for file in sorted((ROOT / folder).rglob("*")) if file.is_file()]
    return [file for file in files if file.read_bytes()[:32].split(b"\n")[0].endswith(b"bash")]


def run(*command):
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


class Scripts(unittest.TestCase):
    def test_bash_reads_every_script(self):
        names = [str(file.relative_to(ROOT)) for file in scripts()]
        for expected in (".ci/run", "tools/check", "tools/gpu_bundle", "tools/gpu_check", "tools/quickstart", "tools/setup", "tools/test"):
            self.assertIn(expected, names)
        for name in names:
            end = run("bash", "-n", name)
            self.assertEqual((end.returncode, end.stderr), (0, ""), name)

    def test_every_script_can_be_run(self):
        for file in scripts():
            self.assertTrue(file.stat().st_mode & 0o100, f"{file}: not executable")

    @unittest.skipUnless(shutil.which("dpkg-query"), "no dpkg")
    def test_setup_says_what_it_would_install(self):
        for more in ([], ["--developer"]):
            end = run("tools/setup", "--dry-run", *more)
            self.assertEqual(end.returncode, 0, end.stderr)
            self.assertRegex(end.stdout, r"^setup: (all \d+ packages are installed|\d+ of \d+ packages are missing)")

    def test_help(self):
        end = run("tools/setup", "--help")
        self.assertEqual(end.returncode, 0)
        self.assertIn("--dry-run", end.stdout)
        end = run("tools/quickstart", "--help")
        self.assertEqual(end.returncode, 0)
        self.assertIn("usage: tools/quickstart", end.stdout)
        self.assertIn("Example:", end.stdout)

    def test_an_unknown_option_does_nothing_but_explain(self):
        for script in ("tools/setup", "tools/quickstart", "tools/gpu_check"):
            end = run(script, "--unknown")
            self.assertEqual((end.returncode, end.stdout), (2, ""), script)
            self.assertIn(script, end.stderr)

    def test_quickstart_refuses_what_is_not_there(self):
        end = run("tools/quickstart", "--data", "/nowhere/shop")
        self.assertEqual((end.returncode, end.stdout), (1, ""))
        self.assertEqual(end.stderr, "quickstart: --data /nowhere/shop: no such folder\n")
        end = run("tools/quickstart", "--out")
        self.assertEqual((end.returncode, end.stderr), (1, "quickstart: --out wants a value\n"))


if __name__ == "__main__":
    unittest.main()
