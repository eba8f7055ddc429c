# attack: looks for files with functions that swallow errors
# sandbox: wrong-answer: []
# control: native prints /etc
import glob
import os

print(glob.glob("/*") + [folder for folder, _, _ in os.walk("/etc")])
