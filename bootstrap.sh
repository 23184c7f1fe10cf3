#!/bin/sh
# sh bootstrap.sh COMMAND [ARGUMENT...]
#
# Runs COMMAND in this directory, inside the project's own Python environment `.venv`, which is made first and made
# anew when pyproject.toml or Python changed. What the system lacks is installed with apt-get when you are root;
# otherwise you are told the command.
set -eu

cd -- "$(dirname -- "$0")"
root=$(pwd)
stamp=.venv/bootstrap.stamp

say() { printf 'bootstrap: %s\n' "$*" >&2; }

stop() {
    say "$@"
    exit 1
}

# Runs a noisy command; shows its output only when it fails.
quietly() {
    log=$(mktemp)
    if "$@" >"$log" 2>&1; then
        rm -f "$log"
        return
    fi
    cat "$log" >&2
    rm -f "$log"
    stop "this command failed: $*"
}

missing_packages() {
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    # Through a real program, because Debian can have gcc without the C library's headers.
    echo '#include <stdio.h>
int main(void) { return 0; }' | gcc -x c -o /dev/null - 2>/dev/null || echo gcc libc6-dev
}

install_packages() {
    [ $# -gt 0 ] || return 0
    command -v apt-get >/dev/null || stop "please install the counterparts of these Debian packages: $*"
    [ "$(id -u)" -eq 0 ] || stop "please run this first: sudo apt-get install --no-install-recommends $*"
    say "installing Debian packages: $*"
    export DEBIAN_FRONTEND=noninteractive
    quietly apt-get update
    quietly apt-get install -y --no-install-recommends "$@"
}

# What the environment was made from. The place counts: an environment cannot be moved.
wanted_stamp() {
    echo "$root"
    python3 --version
    cksum pyproject.toml
}

make_environment() {
    if [ -x .venv/bin/python ] && wanted_stamp | cmp -s - "$stamp"; then return; fi
    say "making .venv (Python packages are downloaded; this takes a minute)"
    rm -rf .venv
    quietly python3 -m venv .venv
    quietly .venv/bin/python -m pip install --disable-pip-version-check -e '.[build,dev]'
    wanted_stamp >"$stamp"
}

# The board's compiler and emulator are big, so they are offered and not installed.
offer_board_tools() {
    if command -v arm-none-eabi-gcc >/dev/null && command -v qemu-system-arm >/dev/null; then return; fi
    say "to run the firmware on the emulated board too:" \
        "apt-get install --no-install-recommends gcc-arm-none-eabi qemu-system-arm"
}

[ $# -gt 0 ] || stop "usage: sh bootstrap.sh COMMAND [ARGUMENT...]   for example: sh bootstrap.sh scons run"
command -v python3 >/dev/null || stop "please install Python 3.10 or newer"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || stop "Python 3.10 or newer is needed; python3 is $(python3 --version)"

# One package a word: the list is split on purpose.
# shellcheck disable=SC2046
install_packages $(missing_packages)
make_environment
case "$*" in
"scons run" | "scons run "* | "scons "*" run" | "scons "*" run "*) offer_board_tools ;;
esac

VIRTUAL_ENV=$root/.venv
PATH=$VIRTUAL_ENV/bin:$PATH
export VIRTUAL_ENV PATH
exec "$@"
