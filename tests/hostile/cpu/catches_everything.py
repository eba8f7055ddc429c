# attack: catches whatever a judge raises to stop it
# sandbox: time-limit
# control: native dies SIGPROF
def go_on():
    try:
        while True:
            pass
    except BaseException:
        go_on()
    finally:
        go_on()


go_on()
