# attack: blocks a worker by sleeping
# sandbox: wrong-answer: slept
# control: native waits 1
import time

time.sleep(1)
print("slept")
