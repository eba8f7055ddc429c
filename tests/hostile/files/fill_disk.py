# attack: fills the disk
# sandbox: runtime-error: OSError
# control: native writes filler
with open("filler", "wb") as file:
    while True:
        file.write(b"x" * (1 << 20))
