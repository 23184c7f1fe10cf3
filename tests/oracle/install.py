"""Install the oracle: the official mindspore-lite 2.0.0 with two small programs that drive it.

    python tests/oracle/install.py [FOLDER] [--wheel FILE]

The package exists only as a wheel for CPython 3.7, which no current system has. Its libraries do not need Python: two
programs of ours (native/*.cc), compiled against the wheel's own headers, call converter and runtime directly. So all
it takes is pip, g++ and an x86-64 Linux with glibc; FOLDER defaults to .venv-oracle in the project.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFAULT_FOLDER = HERE.parents[1] / ".venv-oracle"
REQUIREMENT = "mindspore-lite==2.0.0"
WHEEL_SHA256 = "199cd0605cc985b88eddb273db9dfe9000a585ba10ca2292b6b36ebfff07b3ec"
WHEEL_TAGS = ("--python-version", "3.7", "--implementation", "cp", "--platform", "manylinux1_x86_64")
# Back ends for accelerators and the Python 3.7 module: two thirds of the wheel, never loaded on a CPU.
UNUSED = ("libtransformer-shared", "libtensorrt_plugin", "libascend_", "libmslite_shared_lib", "_c_lite_wrapper")
PROGRAMS = {
    "convert": ("libmindspore_converter.so", "libmindspore_core.so"),
    "load": ("libmindspore_converter.so", "libmindspore_core.so"),
    "run": ("libmindspore-extendrt_python.so", "libmindspore_core.so"),
    "race": ("libmindspore-extendrt_python.so", "libmindspore_core.so"),
}


def run(command: list[str]) -> None:
    """Run a command; its failure ends the installation with its output."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"oracle: failed: {' '.join(command)}\n{done.stdout}{done.stderr}")


def download(folder: Path) -> Path:
    """Fetch the wheel with pip and return its path."""
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--dest", str(folder)]
    run([sys.executable, "-m", "pip", "download", *options, *WHEEL_TAGS, REQUIREMENT])
    return next(folder.glob("*.whl"))


def unpack(wheel: Path, folder: Path) -> None:
    """Extract headers and needed libraries, after checking that this is the wheel that the tests were written for."""
    digest = sha256(wheel.read_bytes())
    if digest != WHEEL_SHA256:
        sys.exit(f"oracle: {wheel.name} has SHA-256 {digest}, expected {WHEEL_SHA256}")
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            top, _, rest = member.partition("/")
            is_wanted = top == "mindspore_lite" and rest.startswith(("lib/", "include/"))
            if is_wanted and not Path(rest).name.startswith(UNUSED):
                archive.extract(member, folder)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def build(folder: Path) -> None:
    """Compile the programs. The wheel uses GCC's old string ABI; official.py says where the libraries are."""
    package = folder / "mindspore_lite"
    (folder / "bin").mkdir(exist_ok=True)
    for name, libraries in PROGRAMS.items():
        flags = ["-std=c++17", "-O1", "-D_GLIBCXX_USE_CXX11_ABI=0", f"-I{package}", f"-I{package / 'include'}"]
        link = [f"-L{package / 'lib'}", *(f"-l:{library}" for library in libraries)]
        link += ["-Wl,--allow-shlib-undefined"]  # libraries that only accelerators need are not in the wheel
        run(["g++", *flags, str(HERE / "native" / f"{name}.cc"), "-o", str(folder / "bin" / name), *link])


def stamp() -> str:
    """What the installation depends on."""
    sources = [Path(__file__), *sorted((HERE / "native").glob("*.cc"))]
    return sha256(b"".join(source.read_bytes() for source in sources))


def install(folder: Path, wheel: Path | None) -> None:
    """Install into `folder` unless it is already there."""
    done = folder / "installed"
    if done.is_file() and done.read_text(encoding="ascii") == stamp():
        return
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        sys.exit("oracle: the official package exists for x86-64 Linux only")
    if shutil.which("g++") is None:
        sys.exit("oracle: needs g++ (Debian: apt-get install g++)")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        unpack(wheel or download(Path(temporary)), folder)
    build(folder)
    done.write_text(stamp(), encoding="ascii")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER, help="default: .venv-oracle")
    parser.add_argument("--wheel", type=Path, help="an already downloaded wheel")
    arguments = parser.parse_args()
    install(arguments.folder.resolve(), arguments.wheel)
    sys.stdout.write(f"oracle: {REQUIREMENT} in {arguments.folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
