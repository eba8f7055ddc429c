# attack: goes on in threads after it seems to be done
# sandbox: wrong-answer: still here
# control: native prints still here
import threading
import time


def linger():
    time.sleep(0.2)
    print("still here")


threading.Thread(target=linger).start()
