"""What goes wrong, as exceptions."""
from __future__ import annotations

from typing import Optional, Tuple


class Error(Exception):
    """Whatever Borel refuses. `str()` says what is wrong, what was found and what was expected.

    subject: the site or input that it concerns, or "".
    place: (file, line, column) in the program's source, counting from 1, or None.
    """

    def __init__(self, message: str, subject: str = "",
                 place: Optional[Tuple[str, int, int]] = None) -> None:
        super().__init__(message)
        self.subject = subject
        self.place = place


class ArgumentError(Error, ValueError):
    """An argument that the call does not take: a length, a name that does not exist."""


class ProgramError(Error):
    """A file that is no program of this version of Borel, or none for this processor."""


class DataError(Error, ValueError):
    """Data that the program's declarations do not allow."""


class RunError(Error):
    """The program stopped at a fault, or has no point to start from."""


class OutOfMemory(Error, MemoryError):
    """There is no memory for what was asked."""


class NotSupported(Error):
    """The program was built without it, or Borel's interface does not have it."""


class CompileError(Error):
    """The program has errors; `diagnostics` has all of them as the compiler prints them."""

    def __init__(self, diagnostics: str, exit_code: int) -> None:
        super().__init__(diagnostics)
        self.diagnostics = diagnostics
        self.exit_code = exit_code

    def __reduce__(self) -> Tuple[type, Tuple[str, int]]:
        return type(self), (self.diagnostics, self.exit_code)


class CompilerDefect(CompileError):
    """The compiler failed, which it never should: please report it with the program."""


class CompilerNotFound(Error):
    """There is no compiler: the wheel was built without one and none is on the PATH."""


class BorelWarning(UserWarning):
    """What Borel warns of: names in the data that nothing uses, divergences, an interrupted run."""


# By borel_code.
_CLASSES = {1: ArgumentError, 2: ProgramError, 3: DataError, 4: RunError, 6: OutOfMemory,
            8: NotSupported}


def make_error(code: int, message: str, subject: str,
               place: Optional[Tuple[str, int, int]]) -> Error:
    """The exception for a failed call of the runtime."""
    return _CLASSES.get(code, Error)(message, subject, place)
