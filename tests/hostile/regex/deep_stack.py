# attack: makes the matcher keep a state for each character of a long text
# limits: fuel=2e9 memory=112
# sandbox: memory-limit
# control: native peak 300
import re

print(re.match("(?:(a)|b)*$", "ab" * 10_000_000).end())
