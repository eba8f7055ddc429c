"""Trains a decoder of a given size with PyTorch on made-up rows and says how fast and in how much memory: what `scripts/gpu-check`
compares `harness/lm/examples/train_rate.rs` with.

    python3 benches/compare/pytorch_gpu.py tiny|135m|500m cpu|cuda:N STEPS

Eager mode: weights and moments in float32, products in bfloat16 (autocast), attention by `scaled_dot_product_attention`, AdamW fused,
gradients clipped. The shapes are those of the example. One JSON object is printed: `tokens_per_second` of all steps but the first two,
and on a GPU `peak_bytes`.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional

# Hidden size, feed-forward, layers, heads, heads of keys and values, size of a head, vocabulary, biases; rows and their tokens.
SHAPES = {
    "tiny": ((96, 256, 3, 4, 2, 24, 45, False), 8, 32),
    "135m": ((576, 1536, 30, 9, 3, 64, 49_152, False), 16, 1024),
    "500m": ((896, 4864, 24, 14, 2, 64, 151_936, True), 8, 1024),
}
UNTIMED = 2


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return functional.rms_norm(x, (x.shape[-1],), self.weight, 1e-5)


def rotated(x, cos, sin):
    low, high = x.chunk(2, -1)
    return x * cos + torch.cat((-high, low), -1) * sin


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        hidden, wide, _, self.heads, self.kv_heads, self.size, _, bias = shape
        self.first, self.second = Norm(hidden), Norm(hidden)
        self.qkv = nn.Linear(hidden, (self.heads + 2 * self.kv_heads) * self.size, bias=bias)
        self.out = nn.Linear(self.heads * self.size, hidden, bias=False)
        self.gate_up = nn.Linear(hidden, 2 * wide, bias=False)
        self.down = nn.Linear(wide, hidden, bias=False)

    def forward(self, x, turn):
        rows, length, _ = x.shape
        parts = self.qkv(self.first(x)).view(rows, length, self.heads + 2 * self.kv_heads, self.size).transpose(1, 2)
        query, key, value = parts.split((self.heads, self.kv_heads, self.kv_heads), 1)
        query, key = rotated(query, *turn).to(value.dtype), rotated(key, *turn).to(value.dtype)
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        x = x + self.out(seen.transpose(1, 2).reshape(rows, length, self.heads * self.size))
        gate, up = self.gate_up(self.second(x)).chunk(2, -1)
        return x + self.down(functional.silu(gate) * up)


class Decoder(nn.Module):
    def __init__(self, shape, length):
        super().__init__()
        hidden, _, layers, _, _, size, vocabulary, _ = shape
        self.embedding = nn.Embedding(vocabulary, hidden)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(layers))
        self.last = Norm(hidden)
        angles = torch.outer(torch.arange(float(length)), 100_000.0 ** (-torch.arange(0, size, 2) / size))
        angles = torch.cat((angles, angles), -1)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, tokens):
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x, (self.cos, self.sin))
        return functional.linear(self.last(x), self.embedding.weight)


def main():
    size, device, steps = sys.argv[1], torch.device(sys.argv[2]), int(sys.argv[3])
    if steps <= UNTIMED:
        sys.exit(f"more than {UNTIMED} steps: the first are not timed")
    shape, rows, length = SHAPES[size]
    torch.manual_seed(1)
    model = Decoder(shape, length).to(device)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-4, betas=(0.9, 0.95), weight_decay=0.01, fused=True)
    row, place = torch.arange(rows)[:, None], torch.arange(length + 1)[None]
    tokens = ((row * 31 + place * place * 7) % shape[6]).to(device)
    finish = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    start = None
    for step in range(steps):
        if step == UNTIMED:
            finish()
            start = time.perf_counter()
        with torch.autocast(device.type, torch.bfloat16):
            logits = model(tokens[:, :-1])
            loss = functional.cross_entropy(logits.reshape(-1, logits.shape[-1]).float(), tokens[:, 1:].reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
    finish()
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    rate = rows * length * (steps - UNTIMED) / (time.perf_counter() - start)
    print(json.dumps({"size": size, "version": torch.__version__, "loss": loss.item(), "tokens_per_second": rate, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
