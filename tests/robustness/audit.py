"""Known vulnerabilities of what is installed: `python tests/robustness/audit.py [--folder DIR]`.

Asks the package index with pip-audit, from an environment of its own, about the dependencies installed for the Python
that runs this. Exits with 1 when one has a known vulnerability; says which ones the index does not answer about.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cryptography", "flatbuffers", "numpy", "pillow", "protobuf", "scons", "tqdm")


def auditor(place: Path) -> Path:
    """The Python of an environment that has pip-audit."""
    own = place / "bin" / "python"
    if not (place / "complete").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        subprocess.run([str(own), "-m", "pip", "install", "--quiet", "pip-audit"], check=True)
        (place / "complete").touch()
    return own


def main() -> int:
    """Print a line per package."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--folder", type=Path, default=ROOT / ".venv-matrix")
    place = parser.parse_args().folder.resolve() / "audit"
    own = auditor(place)
    wanted = place / "requirements.txt"
    wanted.write_text("".join(f"{name}=={version(name)}\n" for name in PACKAGES), encoding="utf-8")
    command = [str(own), "-m", "pip_audit", "--format=json", "--no-deps", "--disable-pip", "-r", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout.startswith("{"):
        sys.stdout.write(f"not audited: {done.stderr}\n")
        return 0
    found = json.loads(done.stdout)["dependencies"]
    for package in found:
        known = ", ".join(each["id"] for each in package.get("vulns", []))
        state = "not audited, the package index does not answer" if "skip_reason" in package else known or "none known"
        sys.stdout.write(f"{package['name']}: {state}\n")
    return 1 if any(package.get("vulns") for package in found) else 0


if __name__ == "__main__":
    sys.exit(main())
