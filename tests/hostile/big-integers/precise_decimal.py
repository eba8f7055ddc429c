# attack: asks for a result with ten million digits
# sandbox: time-limit
# control: native dies SIGPROF
import decimal

decimal.getcontext().prec = 10**7
print(len(str(decimal.Decimal(2).sqrt().exp())))
