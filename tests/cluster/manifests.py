#!/usr/bin/env python3
"""The manifests of cluster/kubernetes against the schemas of Kubernetes itself, strictly: a field that it does not know is refused.

    tests/cluster/manifests.py
"""
import pathlib
import subprocess
import sys
import tempfile

try:
    import kubernetes_validate
    import yaml
except ImportError as lacks:
    print(f"skipped: {lacks}: tools/setup --developer has it installed by pip")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VERSIONS = ("1.27", "1.30", "1.34")
KINDS = ["ConfigMap", "Job", "Job", "Service", "Service", "StatefulSet"]


def filled_in():
    with tempfile.TemporaryDirectory() as folder:
        recipe = pathlib.Path(folder, "recipe.toml")
        recipe.write_text("[train]\nsteps = 1\n")
        words = ["--kubernetes", "--dry-run", "--nodes", "4", "--image", "argosy:1", "--claim", "disk", "--data", "/shared/data", "--recipe", recipe,
                 "--run", "/shared/run"]
        return subprocess.run([sys.executable, "-B", ROOT / "cluster/launch", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def refuses_what_is_wrong(manifest):
    """The check itself: it sees a field that is not there."""
    try:
        kubernetes_validate.validate({**manifest, "sepc": {}}, VERSIONS[0], strict=True)
    except kubernetes_validate.ValidationError:
        return True
    return False


def main():
    manifests = [*yaml.safe_load_all(filled_in()), *yaml.safe_load_all((ROOT / "cluster/kubernetes/serve.yaml").read_text())]
    manifests = [one for one in manifests if one]
    assert sorted(one["kind"] for one in manifests) == KINDS, [one["kind"] for one in manifests]
    assert refuses_what_is_wrong(manifests[0])
    for version in VERSIONS:
        for one in manifests:
            kubernetes_validate.validate(one, version, strict=True)
    print(f"{len(manifests)} manifests are what Kubernetes {', '.join(VERSIONS)} take")


if __name__ == "__main__":
    main()
