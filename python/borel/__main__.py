"""`python -m borel …` is the command `borel` of `compiler_path()`."""
import os
import sys

from . import Error, compiler_path

try:
    command = compiler_path()
except Error as error:
    sys.exit(str(error))
os.execv(command, ["borel", *sys.argv[1:]])
