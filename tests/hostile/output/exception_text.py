# attack: raises an exception whose text fills the judge's records
# sandbox: runtime-error: ValueError: xxx
# control: native floods 6
raise ValueError("x" * (7 << 20))
