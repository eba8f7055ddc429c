# attack: doubles a text until memory is full
# sandbox: memory-limit
# control: native peak 400
text = "x"
while True:
    text += text
