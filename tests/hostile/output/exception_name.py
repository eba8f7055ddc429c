# attack: raises an exception whose type's name fills the judge's records
# sandbox: runtime-error: xxx
# control: native floods 6
raise type("x" * (7 << 20), (Exception,), {})
