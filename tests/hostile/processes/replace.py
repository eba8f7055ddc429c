# attack: becomes another program
# sandbox: runtime-error
# control: native prints replaced
import os

os.execv("/bin/sh", ["sh", "-c", "echo replaced"])
