"""Times a run with nothing to do: `assay run --all`, DVC and Snakemake on the same graph of steps, in turns.

    python3 benches/compare/no_op.py [--root FOLDER] [--scale embedded] [--store FOLDER] [--rounds 5]
                                     [--dvc-steps N] [--snakemake-steps N] [--patience SECONDS]

The workspace's store must hold a finished run of all its recipes at this scale: fill it with `assay run --all`. The graph is
read from the reports of that run, which name every artefact with those that it was made from. The peers get a step of a small
file for each artefact; their outputs are there and recorded before the clock starts, so that they have nothing to do either.
They are installed by pip under `target/` the first time, in pinned versions. A peer may be given a part of the graph, from the first
step on: its time for the part is compared with ours for the whole.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(REPOSITORY, "benches", "benches"))

import workflows  # noqa: E402: it stands beside the other benchmarks


def graph(folder):
    """The inputs of each step, as places in the list, each step after them. Steps of one name and key are one step."""
    steps, ends = {}, []
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".json") or name == "index.json":
            continue
        with open(os.path.join(folder, name)) as file:
            sources = json.load(file)["sources"]
        keys = {source["id"]: (source["id"], source["key"]) for source in sources}
        used = {taken for source in sources for taken in source.get("inputs", [])}
        for source in sources:
            steps.setdefault(keys[source["id"]], [keys[taken] for taken in source.get("inputs", [])])
        # The table itself is no source of its own: it takes what nothing else has taken.
        ends.append([keys[source["id"]] for source in sources if source["id"] not in used])
    places, order = {}, []

    def place(first):
        waiting = [first]
        while waiting:
            key = waiting[-1]
            missing = [taken for taken in steps[key] if taken not in places]
            if missing:
                waiting.extend(missing)
                continue
            waiting.pop()
            if key not in places:
                places[key] = len(order)
                order.append(sorted({places[taken] for taken in steps[key]}))

    for key in steps:
        place(key)
    return order + [sorted({places[key] for key in taken}) for taken in ends]


class Peer:
    """A peer that has nothing to do in a folder of its own."""

    def __init__(self, tool, steps, folder):
        command = os.path.join(workflows.environment(tool, os.path.join(REPOSITORY, "target", "workflows")), tool)
        self.folder, self.steps = os.path.join(folder, tool), len(steps)
        os.makedirs(self.folder)
        here = os.getcwd()
        os.chdir(self.folder)
        workflows.outputs(steps)
        self.command = {"dvc": workflows.dvc, "snakemake": workflows.snakemake}[tool](steps, command)
        os.chdir(here)
        version = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        self.name = f"{tool} {version}"


def measured(command, folder, patience):
    """Seconds and seconds of processor time that a command takes which must succeed, and what it prints. One that takes too long is
    stopped, and counts as having taken what it may."""
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=patience)
    except subprocess.TimeoutExpired:
        return patience, patience, ""
    if run.returncode != 0:
        sys.exit(f"{' '.join(command)} failed: {run.stderr[-1000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - started, processor, run.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=REPOSITORY, help="the workspace")
    parser.add_argument("--scale", default="embedded")
    parser.add_argument("--store", help="its store, if it is not .assay in the workspace")
    parser.add_argument("--assay", default=os.path.join(REPOSITORY, "target", "release", "assay"), help="the command")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dvc-steps", type=int, default=300, help="the whole graph keeps DVC busy for hours")
    parser.add_argument("--snakemake-steps", type=int, default=sys.maxsize)
    parser.add_argument("--patience", type=float, default=600.0, help="the most seconds that one run may take")
    arguments = parser.parse_args()
    root = os.path.abspath(arguments.root)
    ours = [arguments.assay, "run", "--all", "--scale", arguments.scale, "--root", root]
    ours += ["--store", os.path.abspath(arguments.store)] if arguments.store else []
    said = measured(ours, root, None)[2]
    if " 0 executed" not in said:
        sys.exit("the run had something to do: run this again, now that it is done")
    steps = graph(os.path.join(root, "reports", arguments.scale))
    with tempfile.TemporaryDirectory() as folder:
        sizes = {"dvc": arguments.dvc_steps, "snakemake": arguments.snakemake_steps}
        peers = [Peer(tool, steps[:size], folder) for tool, size in sizes.items() if size > 0]
        for peer in peers:
            measured(peer.command, peer.folder, arguments.patience)
        times = {"assay": []} | {peer.name: [] for peer in peers}
        for _ in range(arguments.rounds):
            times["assay"].append(measured(ours, root, None)[:2])
            for peer in peers:
                times[peer.name].append(measured(peer.command, peer.folder, arguments.patience)[:2])
    counts = {"assay": len(steps)} | {peer.name: peer.steps for peer in peers}
    print(f"a run with nothing to do, {arguments.rounds} rounds in turns; goal: assay at least 50 times faster")
    for which, what in enumerate(["time", "processor time"]):
        fastest = min(taken[which] for taken in times["assay"])
        print(f"{what}; the ratio is of the smallest to that of assay")
        for name, all_taken in times.items():
            taken = [one[which] for one in all_taken]
            low, middle, high = min(taken), statistics.median(taken), max(taken)
            stopped = f" (stopped at {arguments.patience:.0f} s)" if high >= arguments.patience else ""
            print(
                f"  {name:20} {counts[name]:5} steps  min {low:8.3f} s  median {middle:8.3f} s  max {high:8.3f} s  "
                f"ratio {low / fastest:7.1f}{stopped}"
            )
    print(f"load averages {' '.join(str(round(load, 1)) for load in os.getloadavg())} on {os.cpu_count()} cores")


main()
