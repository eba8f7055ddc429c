# attack: fills memory with one number
# sandbox: memory-limit
# control: native peak 300
print((1 << 3_000_000_000).bit_length())
