# attack: depends on where objects lie in memory
# sandbox: wrong-answer
# control: native varies
print([id(object()), id([]), object()])
