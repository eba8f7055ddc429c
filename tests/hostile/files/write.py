# attack: leaves a file behind
# sandbox: unsupported-platform: files that can be written
# control: native writes marker
with open("marker", "w") as file:
    file.write("was here")
