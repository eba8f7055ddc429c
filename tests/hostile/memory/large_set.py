# attack: fills memory with many small objects
# limits: fuel=2e9 memory=112
# sandbox: memory-limit
# control: native peak 200
print(len(set(range(10**9))))
