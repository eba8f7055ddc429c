# attack: is done, but its finalizer never ends
# sandbox: time-limit
# control: native dies SIGPROF
class Endless:
    def __del__(self):
        while True:
            pass


print("done")
Endless()
