# attack: depends on the number of its process
# sandbox: wrong-answer: 42
# control: native varies
import os

print(os.getpid())
