# attack: stops the judge as its user would
# entry: f
# sandbox: runtime-error: KeyboardInterrupt
# control: weak dies SIGINT
def f(x):
    raise KeyboardInterrupt
