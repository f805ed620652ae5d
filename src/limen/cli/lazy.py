"""Dispatch to one subcommand's module without importing the others (models and servers take seconds to import)."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console

from limen import __version__
from limen.errors import LimenError

stderr = Console(stderr=True)
_ADVICE = {
    errno.ENOSPC: "The disk is full: make room and run the command again.",
    errno.EROFS: "That disk can only be read: name a folder on another.",
    errno.EACCES: "This user may not: run the command as the user that the hub runs as, or name another place.",
    errno.ENOENT: "Check the path; a folder to write into must exist.",
}


def group(name: str, package: str, commands: dict[str, str], called: str | None) -> typer.Typer:
    """A Typer application that has only the called subcommand, or stubs of all of them for the help text."""
    app = typer.Typer(name=name, no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)

    @app.callback()
    def _root() -> None:
        """Limen, an open biometric hub."""

    for word, help_text in commands.items():
        if word == called and importlib.util.find_spec(f"{package}.{word}"):
            module: Any = importlib.import_module(f"{package}.{word}")
            if hasattr(module, "app"):
                app.add_typer(module.app, name=word, help=help_text)
            else:
                app.command(name=word)(module.command)
        elif importlib.util.find_spec(f"{package}.{word}"):
            app.command(name=word, help=help_text)(_stub)
    return app


def run(name: str, package: str, commands: dict[str, str], arguments: list[str] | None = None) -> None:
    """Run the command line. Exit status: 0 done, 1 a LimenError or an unusable file (with advice), 2 wrong usage."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["--version"]:
        typer.echo(f"limen {__version__}")
        return
    called = next((word for word in arguments if not word.startswith("-")), None)
    guarded(lambda: group(name, package, commands, called)(arguments, prog_name=name))


def guarded(action: Callable[[], object]) -> None:
    """Run an action; a LimenError or a file's OSError becomes two lines on standard error and exit status 1."""
    try:
        action()
    except LimenError as error:
        _complain(error.message, error.advice)
        raise SystemExit(1) from None
    except BrokenPipeError:  # whoever read the output has had enough, as `limen records list | head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains when it ends
        raise SystemExit(1) from None
    except OSError as error:  # a file or folder of the user's that is not as the command needs it
        if error.filename is None or error.strerror is None:
            raise
        _complain(f"{error.filename}: {error.strerror}.", _ADVICE.get(error.errno or 0, ""))
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


def _complain(message: str, advice: str) -> None:
    """What happened, and what to do; without markup, which names of files may look like."""
    stderr.print(message, style="bold red", markup=False, highlight=False)
    if advice:
        stderr.print(advice, markup=False, highlight=False)


def _stub() -> None:
    raise AssertionError("a stub is only for help texts")
