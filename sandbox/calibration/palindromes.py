# Texts that are reversed, compared with themselves, and taken apart into characters.
def main():
    text = "abacabadabacaba" * 300
    answer = 0
    for start in range(0, 1500):
        piece = text[start : start + 1500]
        answer += piece == piece[::-1]
    for middle in range(0, len(text), 40):
        left = right = middle
        while left >= 0 and right < len(text) and text[left] == text[right]:
            left, right = left - 1, right + 1
        answer += right - left
    letters = [0] * 26
    for character in text * 20:
        letters[ord(character) - 97] += 1
    words = set()
    for start in range(600):
        for end in range(start + 1, min(start + 100, 600)):
            words.add(text[start:end])
    print(answer, letters, len(words), "".join(sorted(text))[:10])


main()
