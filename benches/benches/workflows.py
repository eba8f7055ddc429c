"""Times a run with nothing to do of a workflow tool: DVC or Snakemake.

Arguments: the tool, a JSON file with the inputs of each step (a list of lists of places), a folder to work in, a folder for
the tools' environments, the most seconds that a run may take, and how many steps to take, from the first one on. Prints the median of the seconds and the tool's version.
Versions are pinned. Each step's output is a small file; it is there and recorded before the clock starts.
"""

import json
import os
import statistics
import subprocess
import sys
import time

PACKAGES = {
    "dvc": ["dvc==3.66.1"],
    "snakemake": ["snakemake==9.16.3"],
}
RUNS = 3
# Seconds that may pass until a tool has recorded the outputs.
SETTING_UP = 600


def environment(tool, folder):
    """The folder with the tool's commands; it is installed if it is not there."""
    home = os.path.join(folder, tool)
    commands = os.path.join(home, "bin")
    if not os.path.exists(os.path.join(commands, tool)):
        subprocess.run([sys.executable, "-m", "venv", home], check=True, timeout=120)
        pip = [os.path.join(commands, "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run(pip + PACKAGES[tool], check=True, timeout=900)
    return commands


def outputs(graph):
    """Makes the outputs, each step's after those of its inputs."""
    os.makedirs("out")
    begun = time.time() - len(graph) - 60
    for place in range(len(graph)):
        with open(f"out/{place}", "w") as file:
            file.write(f"{place}\n")
        os.utime(f"out/{place}", (begun + place, begun + place))


def dvc(graph, command):
    stages = []
    for place, inputs in enumerate(graph):
        deps = "".join(f"\n    - out/{other}" for other in sorted(set(inputs)))
        deps = f"\n    deps:{deps}" if deps else ""
        stages.append(f"  s{place}:\n    cmd: make-output {place}{deps}\n    outs:\n    - out/{place}\n")
    with open("dvc.yaml", "w") as file:
        file.write("stages:\n" + "".join(stages))
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "timeout": SETTING_UP}
    subprocess.run([command, "init", "--no-scm", "--quiet"], **quiet)
    subprocess.run([command, "config", "core.analytics", "false"], **quiet)
    subprocess.run([command, "commit", "--force", "--quiet"], **quiet)
    return [command, "repro"]


def snakemake(graph, command):
    used = {other for inputs in graph for other in inputs}
    ends = [f'"out/{place}"' for place in range(len(graph)) if place not in used]
    rules = ["rule all:\n    input: " + ", ".join(ends) + "\n"]
    for place, inputs in enumerate(graph):
        taken = ", ".join(f'"out/{other}"' for other in sorted(set(inputs)))
        taken = f"    input: {taken}\n" if taken else ""
        rules.append(f'rule s{place}:\n{taken}    output: "out/{place}"\n    shell: "make-output {place}"\n')
    with open("Snakefile", "w") as file:
        file.write("\n".join(rules))
    return [command, "--cores", "2", "--quiet", "all", "--rerun-triggers", "mtime"]


def main():
    tool, graph, work, tools, patience, count = sys.argv[1:]
    patience = float(patience)
    with open(graph) as file:
        # Inputs stand before the steps that take them, so the first steps are a graph of their own.
        graph = json.load(file)[: int(count)]
    commands = environment(tool, os.path.abspath(tools))
    command = os.path.join(commands, tool)
    os.makedirs(work)
    os.chdir(work)
    outputs(graph)
    arguments = {"dvc": dvc, "snakemake": snakemake}[tool](graph, command)
    version = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    times = []
    for _ in range(RUNS):
        started = time.monotonic()
        try:
            run = subprocess.run(arguments, capture_output=True, text=True, timeout=patience)
        except subprocess.TimeoutExpired:
            times.append(patience)
            break
        times.append(time.monotonic() - started)
        if run.returncode != 0:
            sys.exit(f"{tool} failed: {run.stderr[-500:]}")
    print(statistics.median(times), f"{tool} {version}")


if __name__ == "__main__":
    main()
