# attack: asks for more memory than the machine may give, at once
# sandbox: memory-limit
# control: native peak 600
print(len(b"x" * (600 << 20)))
