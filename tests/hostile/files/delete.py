# attack: deletes a file of the user
# sandbox: runtime-error: OSError
# control: native deletes victim.txt
import os

os.remove("victim.txt")
