# attack: learns the name of the machine and of its system
# sandbox: wrong-answer
# control: native prints Linux
import os

print(os.uname())
