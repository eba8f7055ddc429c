# attack: leaves a note for the next test in a file
# entry: f
# test: [0] -> 1
# test: [0] -> 2
# sandbox: unsupported-platform: files that can be written
# control: weak passes
def f(x):
    with open("note", "a") as note:
        note.write("x")
    with open("note") as note:
        return len(note.read())
