# attack: fills the judge's memory or disk with output
# sandbox: output-limit
# control: native floods 6
while True:
    print("x" * 1000)
