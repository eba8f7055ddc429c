# Texts: building, splitting, joining, replacing.
words = [str(i * 7919 % 10007) for i in range(150_000)]
text = " ".join(words)
total = 0
for piece in text.split():
    total += len(piece.replace("7", "seven"))
    if piece == piece[::-1]:
        total += 1
print(total, len("".join(sorted(text[:400_000]))))
