# Long texts: comparing slices, finding, counting, sorting by a common start.
n = 40_000
text = "ab" * (n // 2) + "c"
pattern = text[: n // 2]
same = sum(text[i : i + n // 2] == pattern for i in range(n // 2))
found = sum(text.find("c", i) for i in range(0, n, 4)) + sum(text.rfind("a", 0, i) for i in range(0, n, 4))
inside = sum("ca" in text[i:] for i in range(0, n, 8))
names = sorted(text[:2000] + str(i * 7919 % 10007) for i in range(5000))
print(same, found, inside, names[0][-4:], text.count("bc"))
