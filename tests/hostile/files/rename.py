# attack: moves a file of the user away
# sandbox: runtime-error: OSError
# control: native deletes victim.txt
import os

os.rename("victim.txt", "elsewhere.txt")
