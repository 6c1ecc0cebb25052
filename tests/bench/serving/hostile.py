#!/usr/bin/env python3
"""What those who ask notice while others hold connections, drip bytes, and send what nobody asked for.

    tests/bench/serving/hostile.py --argosy build/argosy --store STORE --log train_log.tsv.gz [--rate 200] [--seconds 15] [--json]

Against one `argosy serve`, each for as long as `argosy bench serve` asks at a fixed rate:
  nothing          no others
  HTTP held        5,000 connections that send nothing, and 5,000 that send a byte of a header each second; closed ones come again at once
  HTTP body        eight that each send a body of 1 GB after the other
  messages held    2,000 connections to the ZeroMQ port that send nothing, 2,000 that send a byte of a greeting each second
  messages lied    eight that greet rightly, announce a frame of 2^62 bytes and send it, and eight that send random bytes, again and again
The table has what was answered, errors, the times, the server's peak of memory (VmHWM) by then, and how many times an attacker was closed.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import socket
import subprocess
import sys
import tempfile
import threading
import time

HELD_HTTP, HELD_MESSAGES, SENDERS = 5000, 2000, 8
GREETING = b"\xff\0\0\0\0\0\0\0\1\x7f" + b"\3\0" + b"NULL".ljust(20, b"\0") + b"\0" * 32  # ZMTP 3.0, RFC 23
READY = b"\4\x1f\5READY" + b"\x0bSocket-Type\0\0\0\6DEALER"
LONG_FRAME = b"\2" + (1 << 62).to_bytes(8, "big")


def raise_limit(wanted):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), max(hard, wanted)))
    except (ValueError, OSError) as refused:
        sys.exit(f"hostile.py needs {wanted} open files, and may have {hard}: {refused}")


class Attack:
    """Threads that go on until it ends; `closed` counts connections that the server ended."""

    def __init__(self, address):
        host, port = re.fullmatch(r"\w+://(.*):(\d+)", address).groups()
        self.address, self.closed, self.going, self.threads, self.sent = (host, int(port)), 0, True, [], 0

    def start(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        thread.start()
        self.threads.append(thread)

    def end(self):
        self.going = False
        for thread in self.threads:
            thread.join()

    def connect(self):
        made = socket.create_connection(self.address, timeout=10)
        made.setblocking(False)
        return made

    def hold(self, count, beginning, drip):
        """So many connections, each with its beginning and then, when `drip` is set, a byte a second."""
        held = []
        while self.going:
            begun = time.monotonic()
            while len(held) < count and self.going:
                try:
                    one = self.connect()
                    if beginning:
                        one.send(beginning)
                    held.append(one)
                except OSError:
                    break
            left = [one for one in held if self.is_open(one, drip)]
            self.closed += len(held) - len(left)
            held = left
            time.sleep(max(0.0, begun + 1 - time.monotonic()))
        for one in held:
            one.close()

    def is_open(self, one, drip):
        try:
            if drip:
                one.send(drip)
            while one.recv(4096):
                pass
            one.close()
            return False
        except BlockingIOError:
            return True
        except OSError:
            one.close()
            return False

    def send(self, beginning, piece, most):
        """A connection after the other, each with so many bytes, as fast as they are taken."""
        while self.going:
            try:
                one = self.connect()
                one.settimeout(1)
                one.sendall(beginning)
                sent = 0
                while self.going and sent < most:
                    sent += one.send(piece)
                    self.sent += len(piece)
                one.close()
            except OSError:
                self.closed += 1
                time.sleep(0.01)


def http_held(address, _):
    attack = Attack(address)
    attack.start(attack.hold, HELD_HTTP, b"", b"")
    attack.start(attack.hold, HELD_HTTP, b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"x")
    return attack


def http_body(address, _):
    attack = Attack(address)
    for how in (b"Content-Length: 1000000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n3b9aca00\r\n"):
        for _ in range(SENDERS // 2):
            attack.start(attack.send, b"POST /v1/products HTTP/1.1\r\nHost: a\r\n" + how, bytes(1 << 16), 10**9)
    return attack


def messages_held(_, address):
    attack = Attack(address)
    attack.start(attack.hold, HELD_MESSAGES, b"", b"")
    attack.start(attack.hold, HELD_MESSAGES, b"\xff\0\0\0", b"\0")
    return attack


def messages_lied(_, address):
    attack = Attack(address)
    for _ in range(SENDERS):
        attack.start(attack.send, GREETING + READY + LONG_FRAME, bytes(1 << 16), 10**9)
        attack.start(attack.send, os.urandom(64), os.urandom(1 << 12), 10**6)
    return attack


class Server:
    def __init__(self, options):
        self.folder = tempfile.TemporaryDirectory()
        addresses = pathlib.Path(self.folder.name) / "addresses"
        words = [options.argosy, "serve", "--store", options.store, "--http", "127.0.0.1:0", "--zmq", "tcp://127.0.0.1:*"]
        self.process = subprocess.Popen([*words, "--address-file", str(addresses)], stdout=subprocess.DEVNULL)
        while not addresses.exists():
            if self.process.poll() is not None:
                sys.exit(f"the server ended with {self.process.returncode}")
            time.sleep(0.01)
        self.http, self.zmq = addresses.read_text().split()

    def peak_mb(self):
        told = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", told)[1]) / 1024

    def files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def end(self):
        self.process.terminate()
        code = self.process.wait()
        self.folder.cleanup()
        return code


def measure(options, at):
    words = [options.argosy, "bench", "serve", "--at", at, "--log", options.log, "--rate", str(options.rate)]
    done = subprocess.run([*words, "--seconds", str(options.seconds), "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--argosy", default="build/argosy")
    parser.add_argument("--store", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    raise_limit(2 * HELD_HTTP + 2000)
    server = Server(options)
    found = {}
    attacks = {
        "nothing": None,
        "HTTP held": http_held,
        "HTTP body": http_body,
        "messages held": messages_held,
        "messages lied": messages_lied,
    }
    for name, begin in attacks.items():
        attack = begin(server.http, server.zmq) if begin else None
        time.sleep(5 if attack else 0)
        for at in (server.http, server.zmq):
            told = measure(options, at)
            told.update(peak_mb=server.peak_mb(), server_files=server.files(), closed=attack.closed if attack else 0)
            found[f"{name}, asked over {at.split(':')[0]}"] = told
            print(f"{name}: {told}", file=sys.stderr)
        if attack:
            attack.end()
    code = server.end()
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        print("| | answered/s | errors | p50 ms | p99 ms | peak MB | files of the server | closed by it |")
        print("|---|---|---|---|---|---|---|---|")
        for name, one in found.items():
            answers = f"{one['answered_per_s']:,.0f} | {one['errors']} | {one['p50_ms']:.2f} | {one['p99_ms']:.2f}"
            print(f"| {name} | {answers} | {one['peak_mb']:,.0f} | {one['server_files']:,} | {one['closed']:,} |")
    return code


if __name__ == "__main__":
    sys.exit(main())
