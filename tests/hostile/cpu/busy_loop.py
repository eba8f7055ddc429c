# attack: never ends
# sandbox: time-limit
# control: native dies SIGPROF
while True:
    pass
