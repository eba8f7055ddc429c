# attack: reads a secret from the environment
# sandbox: wrong-answer: None {}
# control: native prints open-sesame
import os

print(os.environ.get("SECRET"), dict(os.environ))
