# attack: learns where it runs: arguments, folder, paths, user
# sandbox: wrong-answer: ['program.py'] / [] 0
# control: native prints python
import os
import sys

print(sys.argv, os.getcwd(), sys.path, len(sys.executable or ""))
