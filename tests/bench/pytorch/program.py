"""Running the argosy program."""
import subprocess


def run(*command):
    """What the command prints. ValueError with its own words when it fails."""
    end = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if end.returncode:
        raise ValueError(f"{' '.join(map(str, command))}: {end.stderr.strip()}")
    return end.stdout


def set_all(overrides):
    return [word for override in overrides for word in ("--set", override)]
