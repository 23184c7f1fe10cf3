"""The smallest platform of PlatformIO: no toolchain to install."""

from platformio.public import PlatformBase


class SimPlatform(PlatformBase):
    """Compiles for this machine."""
