"""Runs a firmware image and makes its exit status the build's: a firmware that finds a fault stops SCons."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import SCons.Errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from SCons.Environment import Base as Environment
    from SCons.Node.FS import File

TIMEOUT_SECONDS = 60

QEMU_AN385 = ["qemu-system-arm", "-M", "mps2-an385", "-nographic"]
QEMU_AN385 += ["-semihosting-config", "enable=on,target=native", "-kernel"]


def run_with(command: list[str]) -> Callable[[list[File], list[File], Environment], None]:
    """Returns an SCons action that runs `command` followed by the image, and prints what it prints."""

    def run(target: list[File], source: list[File], env: Environment) -> None:
        image = source[0].get_abspath()
        try:
            ended = subprocess.run(  # noqa: S603  # the image was built by this very build
                [*command, image],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=env["ENV"],
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            message = f"{source[0]} did not end within {TIMEOUT_SECONDS} seconds"
            raise SCons.Errors.BuildError(node=target[0], errstr=message) from late
        print(ended.stdout.decode("ascii", "replace"), end="", flush=True)  # noqa: T201  # the firmware's console
        if ended.returncode != 0:
            message = f"{source[0]} ended with status {ended.returncode}"
            raise SCons.Errors.BuildError(node=target[0], errstr=message, status=1)

    return run
