# attack: fills the disk
# sandbox: unsupported-platform: files that can be written
# control: native writes filler
with open("filler", "wb") as file:
    while True:
        file.write(b"x" * (1 << 20))
