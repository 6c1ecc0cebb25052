"""`argosy serve --zmq` on a free port of this machine, for tests of its clients."""
import contextlib
import pathlib
import re
import subprocess
import tempfile
import time

PATIENCE = 60  # seconds: to be listening, and to end


@contextlib.contextmanager
def serving(argosy, store, *options):
    """The endpoint of a server, until the block is left."""
    with tempfile.TemporaryDirectory() as folder:
        told = pathlib.Path(folder) / "told"
        command = [argosy, "serve", "--store", store, "--zmq", "tcp://127.0.0.1:*", "--threads", "1", *options]
        with told.open("w") as to:
            server = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=to, stderr=to)
        try:
            yield endpoint_of(server, told)
        finally:
            server.terminate()
            assert server.wait(PATIENCE) == 0, told.read_text()


def endpoint_of(server, told):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        found = re.search(r"tcp://127\.0\.0\.1:\d+", told.read_text())
        if found:
            return found[0]
        time.sleep(0.05)
    raise AssertionError(f"the server does not listen: {told.read_text()}")
