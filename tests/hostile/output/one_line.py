# attack: writes everything at once
# sandbox: output-limit
# control: native floods 6
print("x" * (7 << 20))
