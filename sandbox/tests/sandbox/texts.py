# Printed by CPython 3.11, this is texts.txt.
import math, os, errno, collections, datetime
from collections import deque
def t(f):
    try: f()
    except Exception as e: print(type(e).__name__, e)
a,b,x,y=5,0,5.0,0.0
def q(): return a//b
t(q)
t(lambda: 1%0); t(lambda: x/b); t(lambda: x//y); t(lambda: x%y); t(lambda: a/b); t(lambda: divmod(a,b)); t(lambda: divmod(x,0)); t(lambda: 0**-1); t(lambda: 1j/0); t(lambda: math.log(10,1))
try:
    a//=b
except ZeroDivisionError as e: print(e)
try:
    z = (a
       // b)
except ZeroDivisionError as e: print(e)
l=[1,2]
try: l.index(7)
except ValueError as e: print(e)
try: l.index('é')
except ValueError as e: print(e)
try: range(3).index(a)
except ValueError as e: print(e)
try: deque([1]).remove(a)
except ValueError as e: print(e)
try: 2.0**10000
except OverflowError as e: print(e)
try: open('nofile.txt')
except FileNotFoundError as e: print(e, e.errno==errno.ENOENT, e.errno, os.strerror(e.errno), errno.errorcode[e.errno])
try: raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), 'f')
except FileNotFoundError as e: print(e)
try: raise OSError(errno.EACCES, 'no')
except PermissionError as e: print(e)
try: os.listdir('/none')
except OSError as e: print(e)
try: {[]: 1}
except TypeError as e: print(e)
try: {[1]}
except TypeError as e: print(e)
try: dict([1])
except TypeError as e: print(e)
try: a,b,c=1,2
except ValueError as e: print(e)
try: a,b=1,2,3
except ValueError as e: print(e)
try: datetime.date(2020,2,30)
except ValueError as e: print(e)
try: max([])
except ValueError as e: print(repr(e))
try: math.sqrt(-1)
except ValueError as e: print(e)
import traceback
try: 1//0
except ZeroDivisionError: print(traceback.format_exc().splitlines()[-1])
import sys
try: 3%0
except: print(sys.exc_info()[1])
print(bool(NotImplemented), (5).__eq__(5.5) and 'y')
import calendar; print(calendar.monthrange(2024,2), calendar.MONDAY, calendar.weekday(2024,1,1), calendar.January)
import re
try: re.compile('(')
except re.error as e: print(type(e).__name__, e)
import typing
print(isinstance(collections.OrderedDict(), typing.OrderedDict))
print(math.cbrt(10), math.cbrt(-3.3))
class A:
    def __init__(self): self.v=0
    def f(self): return 1//self.v
try: A().f()
except ZeroDivisionError as e: print(e)
try: A() < A()
except TypeError as e: print(e)
from abc import *
class B(ABC):
    @abstractmethod
    def f(self): pass
try: B()
except TypeError as e: print(e)
def gen():
    try: yield 1
    except ValueError as e: print(e)
try: [1,2,3].index(4) if True else 0
except ValueError as e: print(e)
try: [].remove(3)
except ValueError as e: print(e)
