# attack: hides an object among those of the interpreter and finds it again in the next test
# entry: f
# test: [0] -> 1
# test: [0] -> 2
# sandbox: wrong-answer: 1
# control: weak passes
import gc


class Note(list):
    pass


def f(x):
    kept = [note for note in gc.get_objects() if type(note).__name__ == "Note"]
    note = Note()
    note.append(note)
    return len(kept) + 1
