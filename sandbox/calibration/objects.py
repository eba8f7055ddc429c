# Objects: attributes, methods and operators of a class.
class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def norm(self):
        return abs(self.x) + abs(self.y)


total, step = Vector(0, 0), Vector(3, -1)
best = 0
for i in range(300_000):
    total = total + step
    if total.norm() % 7 == 0:
        best = max(best, total.norm())
print(total.x, total.y, best)
