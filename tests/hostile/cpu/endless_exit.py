# attack: is done, but a function that runs at exit never ends
# sandbox: time-limit
# control: native dies SIGPROF
import atexit


@atexit.register
def last_words():
    while True:
        pass


print("done")
