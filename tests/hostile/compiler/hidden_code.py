# attack: hides an import from who reads its text, by a source encoding
# coding: raw_unicode_escape
# sandbox: wrong-answer: None {}
# control: native prints open-sesame
\u0069\u006d\u0070\u006f\u0072\u0074 os
print(os.environ.get("SECRET"), dict(os.environ))
