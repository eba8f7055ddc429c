# attack: gives another answer in each run
# sandbox: wrong-answer
# control: native varies
import os
import random
import secrets
import uuid

print(random.random(), os.urandom(8), secrets.token_hex(8), uuid.uuid4(), random.SystemRandom().random())
