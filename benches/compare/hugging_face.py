"""Samples from a decoder of the shape of SmolLM2-135M with Hugging Face's transformers, beside `cargo bench --bench released`, in turns.

    python3 benches/compare/hugging_face.py [--rounds 3]

PyTorch and transformers are installed by pip under `target/` the first time. Both sample 64 tokens after a prompt of 48, at
temperature 0.7, in 32-bit floats on two threads. Of transformers the better of two sizes of the batch counts, and of each the
fastest round, since a busy machine only makes both slower.
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
PACKAGES = ["torch==2.15.0", "transformers==5.19.0", "numpy"]
SHAPE = dict(
    vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
    num_key_value_heads=3, head_dim=64, max_position_embeddings=8192, rope_theta=100000.0, rms_norm_eps=1e-5,
    tie_word_embeddings=True, bos_token_id=None, eos_token_id=None, pad_token_id=None,
)
PROMPT, NEW, BATCHES, THREADS = 48, 64, (8, 32), 2


def interpreter():
    """A Python that has both."""
    home = os.path.join(REPOSITORY, "target", "transformers")
    python = os.path.join(home, "bin", "python")
    if not os.path.exists(os.path.join(home, "complete")):
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES], check=True)
        open(os.path.join(home, "complete"), "w").close()
    return python


def ours():
    """Tokens a second of our benchmark, by batch."""
    command = ["cargo", "bench", "--workspace", "--bench", "released"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"cargo bench --bench released failed: {run.stderr[-500:]}")
    rates = re.findall(r"batch (\d+)\s{2,}([\d ,'_]+) tokens/s", run.stdout)
    return {int(batch): float(re.sub(r"\D", "", rate)) for batch, rate in rates}


def theirs(python):
    """The same of transformers."""
    run = subprocess.run([python, os.path.abspath(__file__), "--measure"], capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"transformers failed: {run.stderr[-2000:]}")
    return {int(batch): rate for batch, rate in json.loads(run.stdout.splitlines()[-1]).items()}


def measure():
    import torch
    import transformers

    torch.set_num_threads(THREADS)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**SHAPE)).to(torch.float32).eval()
    found = {}
    for batch in BATCHES:
        prompt = (torch.arange(PROMPT) * 31 % SHAPE["vocab_size"]).repeat(batch, 1)

        def draw():
            settings = dict(do_sample=True, temperature=0.7, top_k=0, top_p=1.0, max_new_tokens=NEW, min_new_tokens=NEW)
            with torch.inference_mode():
                made = model.generate(prompt, attention_mask=torch.ones_like(prompt), **settings)
            return batch * (made.shape[1] - PROMPT)

        draw()
        started = time.monotonic()
        found[batch] = draw() / (time.monotonic() - started)
    print(json.dumps(found))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        return measure()
    python = interpreter()
    best, peer = {}, {}
    for _ in range(arguments.rounds):
        for known, found in ((best, ours()), (peer, theirs(python))):
            for batch, rate in found.items():
                known[batch] = max(rate, known.get(batch, 0.0))
    print(f"load averages {os.getloadavg()}")
    for batch in BATCHES:
        print(f"batch {batch}: assay {best[batch]:,.0f} tokens/s, transformers {peer[batch]:,.0f}: {best[batch] / peer[batch]:.2f}")


main()
