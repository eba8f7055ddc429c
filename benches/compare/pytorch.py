"""Trains and samples the same decoders with PyTorch on the processor, beside `cargo bench`, in turns.

    python3 benches/compare/pytorch.py [--rounds 3] [--only training|sampling] [--eager]

PyTorch is installed by pip under `target/` the first time. The shapes are those of `benches/benches/training.rs` (0.31 and
3.3 million parameters, two threads) and `benches/benches/sampling.rs` (0.31 million parameters, one thread). Of PyTorch the
better of eager mode and `torch.compile` counts, and for sampling the better of two sizes of the batch. Each round runs our benchmark, then PyTorch's; the
fastest round of each counts, since a busy machine only makes both slower.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
PACKAGES = ["torch==2.15.0", "numpy"]
# hidden, layers, heads, heads of keys and values, size of a head, feed-forward, vocabulary; sequences and their length.
SMALL = (96, 3, 4, 2, 24, 256, 45)
LARGER = (256, 4, 4, 2, 64, 768, 512)
TRAINING = {"0.31 M": (SMALL, 32, 48), "3.3 M": (LARGER, 16, 128)}
# Tokens of the prompt, new tokens, and how many sequences PyTorch samples at once.
PROMPT, NEW, BATCHES = 12, 64, (64, 128)
THREADS = {"training": 2, "sampling": 1}
# Seconds for which PyTorch is measured in a round.
MEASURED = 3.0


def interpreter():
    """A Python that has PyTorch."""
    home = os.path.join(REPOSITORY, "target", "torch")
    python = os.path.join(home, "bin", "python")
    if not os.path.exists(os.path.join(home, "complete")):
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        # The packages for the processor alone are smaller; where their index cannot be had, the usual ones do.
        index = ["--index-url", "https://download.pytorch.org/whl/cpu"]
        if subprocess.run(install + index + PACKAGES).returncode != 0:
            subprocess.run(install + PACKAGES, check=True)
        open(os.path.join(home, "complete"), "w").close()
    return python


def ours(name):
    """Tokens a second of our benchmark of this name, by the line that names the contender and the title above it."""
    run = subprocess.run(
        ["cargo", "bench", "--workspace", "--bench", name], cwd=REPOSITORY, capture_output=True, text=True
    )
    if run.returncode != 0:
        sys.exit(f"cargo bench --bench {name} failed: {run.stderr[-500:]}")
    title, rates = "", {}
    for line in run.stdout.splitlines():
        rate = re.match(r"\s+(.+?)\s{2,}([\d ,'_]+) tokens/s", line)
        if rate:
            rates[title, rate[1]] = float(re.sub(r"\D", "", rate[2]))
        elif line.strip():
            title = line
    if name == "sampling":
        return {"0.31 M": max(rate for (_, which), rate in rates.items() if "batch 64" in which and "CPU" in which)}
    return {
        shape: next(rate for (of, which), rate in rates.items() if f"{shape} " in of and "2 threads" in of and which == "CPU kernels")
        for shape in TRAINING
    }


def theirs(python, name, eager):
    """What PyTorch does in one round, by shape and way: tokens a second."""
    arguments = [python, os.path.abspath(__file__), "--measure", name] + (["--eager"] if eager else [])
    run = subprocess.run(arguments, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"PyTorch failed: {run.stderr[-2000:]}")
    return json.loads(run.stdout.splitlines()[-1])


def decoder(torch, shape):
    """The decoder that `harness/lm` has: RMS norms, also on the heads of queries and keys, rotation, gated feed-forward, tied head."""
    nn, functional = torch.nn, torch.nn.functional
    hidden, layers, heads, kv, size, wide, vocabulary = shape

    class Norm(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(width))

        def forward(self, x):
            return functional.rms_norm(x, (x.shape[-1],), self.weight, 1e-6)

    def rotated(x, cos, sin):
        low, high = x.chunk(2, -1)
        return x * cos + torch.cat((-high, low), -1) * sin

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = Norm(hidden), Norm(hidden)
            self.query_norm, self.key_norm = Norm(size), Norm(size)
            self.qkv = nn.Linear(hidden, (heads + 2 * kv) * size, bias=False)
            self.out = nn.Linear(heads * size, hidden, bias=False)
            self.gate_up = nn.Linear(hidden, 2 * wide, bias=False)
            self.down = nn.Linear(wide, hidden, bias=False)

        def forward(self, x, turn, cache, at, mask):
            batch, length, _ = x.shape
            parts = self.qkv(self.first(x)).view(batch, length, heads + 2 * kv, size).transpose(1, 2)
            query, key, value = parts.split((heads, kv, kv), 1)
            query, key = rotated(self.query_norm(query), *turn), rotated(self.key_norm(key), *turn)
            if cache is not None:
                cache[0].index_copy_(2, at, key)
                cache[1].index_copy_(2, at, value)
                key, value = cache
            # The heads of keys and values, each for several heads of queries.
            key, value = (part.repeat_interleave(heads // kv, 1) for part in (key, value))
            causal = cache is None
            seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
            x = x + self.out(seen.transpose(1, 2).reshape(batch, length, heads * size))
            gate, up = self.gate_up(self.second(x)).chunk(2, -1)
            return x + self.down(functional.silu(gate) * up)

    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(vocabulary, hidden)
            nn.init.normal_(self.embedding.weight, std=0.02)
            self.layers = nn.ModuleList(Layer() for _ in range(layers))
            self.last = Norm(hidden)
            angles = torch.outer(torch.arange(512.0), 10000.0 ** (-torch.arange(0, size, 2) / size))
            angles = torch.cat((angles, angles), -1)
            self.register_buffer("cos", angles.cos())
            self.register_buffer("sin", angles.sin())

        def forward(self, tokens, caches=None, at=None, mask=None):
            x = self.embedding(tokens)
            at = torch.arange(tokens.shape[1]) if at is None else at
            turn = (self.cos[at], self.sin[at])
            for index, layer in enumerate(self.layers):
                x = layer(x, turn, caches[index] if caches is not None else None, at, mask)
            return self.last(x) @ self.embedding.weight.T

    return Decoder()


def training(torch, shape, sequences, length):
    """Ways to make one step of training: each gives how many tokens were trained on."""
    hidden, vocabulary = shape[0], shape[-1]
    torch.manual_seed(1)
    rows, places = torch.arange(sequences)[:, None], torch.arange(length)[None]
    tokens = (rows * 31 + places * 7) % vocabulary
    ways = {}
    for way in ("eager", "compiled"):
        model = decoder(torch, shape)
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.01, fused=True)

        def loss(tokens, model=model):
            logits = model(tokens)[:, :-1]
            return torch.nn.functional.cross_entropy(logits.reshape(-1, vocabulary), tokens[:, 1:].reshape(-1))

        loss = torch.compile(loss) if way == "compiled" else loss

        def step(loss=loss, model=model, optimiser=optimiser):
            loss(tokens).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            return sequences * (length - 1)

        ways[way] = step
    return ways


def sampling(torch, shape):
    """Ways to sample new tokens, with a cache."""
    layers, kv, size, vocabulary = shape[1], shape[3], shape[4], shape[-1]
    model = decoder(torch, shape).eval()
    total = PROMPT + NEW
    ways = {}
    for way in ("eager", "compiled"):
        run = torch.compile(model) if way == "compiled" else model
        for batch in BATCHES:
            caches = [(torch.zeros(batch, kv, total, size), torch.zeros(batch, kv, total, size)) for _ in range(layers)]
            prompt = torch.arange(PROMPT).repeat(batch, 1) % vocabulary

            def draw(run=run, batch=batch, caches=caches, prompt=prompt):
                places, tokens = torch.arange(total), prompt
                with torch.inference_mode():
                    for new in range(NEW):
                        at = places[:PROMPT] if new == 0 else places[PROMPT + new - 1 : PROMPT + new]
                        mask = places[None] <= at[:, None]
                        logits = run(tokens, caches, at, mask)[:, -1] / 0.7
                        # One draw from the distribution, without going over it twice: the largest of the logits with Gumbel noise.
                        noise = -torch.empty_like(logits).exponential_().log()
                        tokens = (logits + noise).argmax(-1, keepdim=True)
                return batch * NEW

            ways[f"{way}, batch {batch}"] = draw
    return ways


def measure(name, eager):
    """Prints what PyTorch does, as JSON; ways that cannot be had, such as `torch.compile` without a compiler, are left out."""
    import torch

    torch.set_num_threads(THREADS[name])
    if name == "training":
        shapes = {label: training(torch, *shape) for label, shape in TRAINING.items()}
    else:
        shapes = {"0.31 M": sampling(torch, SMALL)}
    found = {}
    for label, ways in shapes.items():
        for way, once in ways.items():
            if eager and not way.startswith("eager"):
                continue
            try:
                once(), once()
            except Exception as error:
                print(f"{way} cannot be had: {str(error)[:200]}", file=sys.stderr)
                continue
            count, started = 0, time.monotonic()
            while time.monotonic() - started < MEASURED:
                count += once()
            found.setdefault(label, {})[way] = count / (time.monotonic() - started)
    print(json.dumps(found))


def compare(python, name, rounds, eager):
    best, peer = {}, {}
    for _ in range(rounds):
        for label, rate in ours(name).items():
            best[label] = max(best.get(label, 0.0), rate)
        for label, ways in theirs(python, name, eager).items():
            for way, rate in ways.items():
                known = peer.setdefault(label, {})
                known[way] = max(known.get(way, 0.0), rate)
    threads = THREADS[name]
    print(f"{name}, {threads} thread{'s' if threads > 1 else ''}, fastest of {rounds} rounds")
    for label, rate in best.items():
        print(f"  {label} parameters, assay            {rate:>12,.0f} tokens/s")
        for way, other in sorted(peer[label].items(), key=lambda item: -item[1]):
            print(f"  {label} parameters, PyTorch {way:22} {other:>9,.0f} tokens/s  assay / it {rate / other:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=sorted(THREADS))
    parser.add_argument("--measure", choices=sorted(THREADS), help=argparse.SUPPRESS)
    parser.add_argument("--eager", action="store_true", help="leave out torch.compile, which takes minutes to begin")
    arguments = parser.parse_args()
    if arguments.measure:
        return measure(arguments.measure, arguments.eager)
    python = interpreter()
    for name in [arguments.only] if arguments.only else ["training", "sampling"]:
        compare(python, name, arguments.rounds, arguments.eager)
    print(f"load averages {' '.join(str(round(load, 1)) for load in os.getloadavg())} on {os.cpu_count()} cores")


main()
