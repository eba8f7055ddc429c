# attack: climbs out of its folder
# sandbox: runtime-error: FileNotFoundError
# control: native prints root:
print(open("../" * 40 + "etc/passwd").read())
