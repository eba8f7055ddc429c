# attack: reads the environment past the interpreter's copy of it
# sandbox: wrong-answer: {}
# control: native prints open-sesame
import posix

print(posix.environ)
