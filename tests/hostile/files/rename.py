# attack: moves a file of the user away
# sandbox: unsupported-platform: files that can be written
# control: native deletes victim.txt
import os

os.rename("victim.txt", "elsewhere.txt")
