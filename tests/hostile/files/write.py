# attack: leaves a file behind
# sandbox: runtime-error: OSError
# control: native writes marker
with open("marker", "w") as file:
    file.write("was here")
