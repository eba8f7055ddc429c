"""Writes the rows beside this file: a dozen of each of the paper's benchmarks, in the columns in which that benchmark is
published, and word problems with worked solutions to learn from.

    python3 recipes/rows/own/make.py

All questions are our own and are easy. They show that rows are read, asked and graded; they measure no ability.
"""

import json
import os
import random
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = 12
NAMES = ["Ada", "Ben", "Clara", "Deniz", "Emma", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Leo"]
THINGS = ["apples", "books", "coins", "pencils", "shells", "stamps", "marbles", "cards"]


def write(name, rows):
    with open(os.path.join(HERE, name + ".jsonl"), "w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def tex(number):
    number = Fraction(number)
    return str(number) if number.denominator == 1 else rf"\frac{{{number.numerator}}}{{{number.denominator}}}"


def word_problem(draw):
    """A question, its solution in steps, and the number that answers it."""
    name, thing = draw.choice(NAMES), draw.choice(THINGS)
    a, b, c = draw.randint(3, 30), draw.randint(2, 12), draw.randint(2, 9)
    kind = draw.randrange(4)
    if kind == 0:
        question = f"{name} has {a} {thing} and gets {b} more. Then {name} gets another {c}. How many {thing} does {name} have?"
        steps = [f"{a} + {b} = {a + b}", f"{a + b} + {c} = {a + b + c}"]
        return question, steps, a + b + c
    if kind == 1:
        question = f"{name} fills {b} boxes with {c} {thing} each, and {a} {thing} are left over. How many {thing} are there?"
        steps = [f"{b} * {c} = {b * c}", f"{b * c} + {a} = {b * c + a}"]
        return question, steps, b * c + a
    if kind == 2:
        question = f"{name} shares {b * c} {thing} equally among {b} children. How many {thing} does each child get?"
        return question, [f"{b * c} / {b} = {c}"], c
    question = f"A box of {thing} costs {c} euros. {name} buys {b} boxes and pays with {b * c + a} euros. How many euros does {name} get back?"
    return question, [f"{b} * {c} = {b * c}", f"{b * c + a} - {b * c} = {a}"], a


def item(number, question, answer):
    return {
        "id": f"words-{number}",
        "benchmark": "words",
        "question": question,
        "references": [str(answer)],
        "check": {"kind": "grade", "grader": "rational"},
    }


def words():
    """Word problems: those that are asked, and those that are learnt from, none of which is asked."""
    draw, asked, learnt, met = random.Random(1), [], [], set()
    while len(learnt) < 64:
        question, steps, answer = word_problem(draw)
        if question in met:
            continue
        met.add(question)
        number = len(met)
        if len(asked) < 24:
            asked.append(item(number, question, answer))
        else:
            thought = ". ".join(steps) + "."
            row = {"item": item(number, question, answer), "thought": thought, "answer": str(answer), "source": "words"}
            learnt.append(row)
    write("words", asked)
    write("words-solved", learnt)


def mathematics():
    draw = random.Random(2)
    rows = []
    for _ in range(ROWS):
        a, x, b = draw.randint(2, 9), Fraction(draw.randint(1, 12), draw.choice([1, 1, 2])), draw.randint(1, 20)
        rows.append({"problem": f"Solve ${a}x + {b} = {tex(a * x + b)}$ for $x$.", "answer": tex(x)})
    write("math500", rows)
    rows = []
    for number in range(1, ROWS + 1):
        a = draw.randint(1, 40)
        b = a + draw.randint(3, 12)
        text = f"Find the sum of all integers from ${a}$ to ${b}$."
        rows.append({"problem": text, "answer": str(sum(range(a, b + 1))), "url": f"own/2024/{number}"})
    write("aime24", rows)
    rows = []
    for _ in range(ROWS):
        n = draw.randint(12, 90)
        count = sum(n % d == 0 for d in range(1, n + 1))
        rows.append({"question": f"How many positive divisors does ${n}$ have?", "answer": str(count)})
    write("aime25-1", rows[: ROWS // 2])
    write("aime25-2", rows[ROWS // 2 :])
    rows = []
    for number in range(1, ROWS + 1):
        question, _, answer = word_problem(draw)
        rows.append({"problem": question, "answer": float(answer), "url": f"own/2023/{number}"})
    write("amc23", rows)
    rows = []
    for _ in range(ROWS):
        a, n, m = draw.randint(2, 9), draw.randint(2, 6), draw.randint(3, 11)
        text = f"Find the remainder when ${a}^{{{n}}}$ is divided by ${m}$."
        rows.append({"question": text, "final_answer": [f"${pow(a, n, m)}$"]})
    write("olympiadbench", rows)


FACTS = [
    ("Which gas do plants take up for photosynthesis?", "Carbon dioxide", "Oxygen", "Nitrogen", "Helium"),
    ("Which particle has a negative charge?", "The electron", "The proton", "The neutron", "The photon"),
    ("What is the chemical symbol of gold?", "Au", "Ag", "Go", "Gd"),
    ("Which planet is closest to the Sun?", "Mercury", "Venus", "Mars", "Earth"),
    ("What is the unit of electrical resistance?", "The ohm", "The volt", "The ampere", "The watt"),
    ("At sea level, at how many degrees Celsius does water boil?", "100", "90", "120", "80"),
    ("Which organ pumps blood?", "The heart", "The liver", "The lung", "The kidney"),
    ("What does DNA carry?", "Genetic information", "Oxygen", "Digestive enzymes", "Heat"),
    ("Which of these is a metal?", "Iron", "Sulfur", "Neon", "Carbon"),
    ("Which force keeps the Moon in its orbit?", "Gravity", "Friction", "Magnetism", "Buoyancy"),
    ("How many bonds does a carbon atom form in methane?", "Four", "Two", "Three", "Six"),
    ("Which wave needs a medium to travel?", "Sound", "Light", "Radio waves", "X-rays"),
]


def choices():
    draw = random.Random(3)
    wrong = [f"Incorrect Answer {number}" for number in (1, 2, 3)]
    rows = [{"Question": text, "Correct Answer": right, **dict(zip(wrong, others))} for text, right, *others in FACTS]
    write("gpqa", rows)
    rows = []
    for number in range(1, ROWS + 1):
        a, b = draw.randint(11, 60), draw.randint(3, 9)
        options = draw.sample(sorted({a * b + off for off in range(-30, 31) if off}), 9)
        place = draw.randrange(10)
        options.insert(place, a * b)
        row = {"question_id": number, "question": f"What is {a} times {b}?", "options": [str(option) for option in options]}
        rows.append({**row, "answer_index": place})
    write("mmlu-pro", rows)


# Title, statement, and what is right for an input: three levels of difficulty.
PROGRAMS = {
    "easy": [
        ("Sum", "two integers a and b", "their sum", lambda a, b: a + b),
        ("Difference", "two integers a and b", "a minus b", lambda a, b: a - b),
        ("Product", "two integers a and b", "their product", lambda a, b: a * b),
        ("Larger", "two integers a and b", "the larger one", max),
        ("Smaller", "two integers a and b", "the smaller one", min),
        ("Square", "two integers a and b", "the square of a", lambda a, b: a * a),
    ],
    "medium": [
        ("Divisor", "two integers a and b", "their greatest common divisor", lambda a, b: __import__("math").gcd(a, b)),
        ("Between", "two integers a and b with a <= b", "the sum of all integers from a to b", lambda a, b: sum(range(a, b + 1))),
        ("Power", "two integers a and b", "the last digit of a to the power of b", lambda a, b: pow(a, b, 10)),
        ("Digits", "two integers a and b", "the number of digits of a times b", lambda a, b: len(str(a * b))),
        ("Even", "two integers a and b with a <= b", "how many even integers lie from a to b", lambda a, b: sum(n % 2 == 0 for n in range(a, b + 1))),
        ("Reversed", "two integers a and b", "the digits of their sum in reverse order", lambda a, b: int(str(a + b)[::-1])),
    ],
    "hard": [
        ("Primes", "two integers a and b with a <= b", "how many primes lie from a to b", lambda a, b: sum(all(n % d for d in range(2, n)) for n in range(max(a, 2), b + 1))),
        ("Paths", "two integers a and b", "the number of shortest paths in a grid of a by b cells from corner to corner", lambda a, b: __import__("math").comb(a + b, a)),
        ("Bits", "two integers a and b", "how many bits differ between a and b", lambda a, b: bin(a ^ b).count("1")),
        ("Inverse", "two integers a and b", "the smallest positive x such that a times x leaves the remainder 1 when divided by b, or 0 if there is none", lambda a, b: next((x for x in range(1, b) if a * x % b == 1), 0)),
        ("Steps", "two integers a and b", "the number of steps of Euclid's algorithm on a and b", lambda a, b: euclid(a, b)),
        ("Squares", "two integers a and b with a <= b", "how many square numbers lie from a to b", lambda a, b: sum(int(n**0.5) ** 2 == n for n in range(a, b + 1))),
    ],
}


def euclid(a, b):
    steps = 0
    while b:
        a, b, steps = b, a % b, steps + 1
    return steps


def programs():
    """Each task twice: over standard input, and as a function."""
    draw, rows = random.Random(4), []
    for difficulty, tasks in PROGRAMS.items():
        for title, given, wanted, right in tasks:
            pairs = [(a := draw.randint(1, 12), a + draw.randint(1, 12)) for _ in range(4)]
            for functional in (False, True):
                tests = [
                    {
                        "input": f"{a}\n{b}" if functional else f"{a} {b}\n",
                        "output": str(right(a, b)),
                        "testtype": "functional" if functional else "stdin",
                    }
                    for a, b in pairs
                ]
                name = title.lower()
                statement = (
                    f"Given {given}, return {wanted}." if functional
                    else f"The input has {given}, separated by a space. Print {wanted}."
                )
                starter = f"class Solution:\n    def {name}(self, a: int, b: int) -> int:\n        " if functional else ""
                rows.append({
                    "question_title": title,
                    "question_content": statement,
                    "question_id": f"{name}-{'function' if functional else 'stdin'}",
                    "difficulty": difficulty,
                    "starter_code": starter,
                    "public_test_cases": json.dumps(tests[:2]),
                    "private_test_cases": json.dumps(tests[2:]),
                    "metadata": json.dumps({"func_name": name} if functional else {}),
                })
    write("livecodebench-1", rows[: len(rows) // 2])
    write("livecodebench-2", rows[len(rows) // 2 :])


if __name__ == "__main__":
    words()
    mathematics()
    choices()
    programs()
