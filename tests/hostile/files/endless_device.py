# attack: reads a file without an end
# sandbox: runtime-error: FileNotFoundError
# control: native peak 300
print(len(open("/dev/zero", "rb").read()))
