"""Runs a Python script in a process of its own, where nothing but the machine's safety is looked after, and says as JSON
what it did: the positive control of a hostile program.

    python3 native.py SECONDS SCRIPT [ARGUMENT...]

A signal ends the script after so many seconds of processor time: SIGPROF, or SIGKILL somewhat later if it ignores that.
The script starts in the current folder with a secret in its environment. The first line of its standard input is the
number of a port on which this process listens, with TCP and UDP; the second is the secret again.
"""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

WALL_SECONDS = 60
OUTPUT_BYTES = 8 << 20
LIMITS = [
    (resource.RLIMIT_AS, 1 << 30, 1 << 30),
    (resource.RLIMIT_FSIZE, 16 << 20, 16 << 20),
    (resource.RLIMIT_CORE, 0, 0),
]


def limit():
    for what, soft, hard in LIMITS:
        resource.setrlimit(what, (soft, hard))
    # An interval timer survives the start of the script.
    signal.setitimer(signal.ITIMER_PROF, float(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_CPU, [int(float(sys.argv[1])) + 1] * 2)


def listen():
    """Listens with TCP and UDP on one port; gives the port and the list of what arrives."""
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.bind(("127.0.0.1", 0))
    tcp.listen()
    port = tcp.getsockname()[1]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", port))
    arrived = []

    def accept():
        while True:
            connection = tcp.accept()[0]
            arrived.append("tcp")
            connection.close()

    def receive():
        while True:
            udp.recvfrom(1024)
            arrived.append("udp")

    for wait in (accept, receive):
        threading.Thread(target=wait, daemon=True).start()
    return port, arrived


def main():
    port, arrived = listen()
    # In a group of its own, so that nothing of it stays behind.
    start = time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-I", "-B", *sys.argv[2:]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={"SECRET": "open-sesame", "PATH": os.environ.get("PATH", "")},
        preexec_fn=limit,
        start_new_session=True,
    )
    stop = threading.Timer(WALL_SECONDS, os.killpg, (child.pid, signal.SIGKILL))
    stop.start()
    try:
        child.stdin.write(f"{port}\nopen-sesame\n".encode())
        child.stdin.close()
    except OSError:
        pass
    output = child.stdout.read(OUTPUT_BYTES)
    if len(output) == OUTPUT_BYTES:
        child.kill()
    _, status, usage = os.wait4(child.pid, 0)
    stop.cancel()
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except OSError:
        pass
    report = {
        "signal": signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None,
        "exit": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "output_bytes": len(output),
        "output": output[:100_000].decode("utf-8", "replace"),
        "peak_mib": usage.ru_maxrss >> 10,
        "wall_seconds": time.monotonic() - start,
        "arrived": arrived,
    }
    print(json.dumps(report))
    sys.stdout.flush()
    os._exit(0)


main()
