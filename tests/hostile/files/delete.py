# attack: deletes a file of the user
# sandbox: unsupported-platform: files that can be written
# control: native deletes victim.txt
import os

os.remove("victim.txt")
