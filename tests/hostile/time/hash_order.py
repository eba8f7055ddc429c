# attack: depends on the order of a set of texts
# sandbox: wrong-answer
# control: native varies
print({chr(letter) for letter in range(97, 123)}, hash("text"))
