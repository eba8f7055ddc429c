# attack: reads a file of the machine
# sandbox: runtime-error: FileNotFoundError
# control: native prints root:
print(open("/etc/passwd").read())
