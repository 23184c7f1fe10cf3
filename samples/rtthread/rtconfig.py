"""Toolchain of this board support package, as RT-Thread's build scripts read it: here the compiler of this machine."""

import os

ARCH = "sim"
CPU = "posix"
CROSS_TOOL = "gcc"
PLATFORM = "gcc"
EXEC_PATH = os.getenv("RTT_EXEC_PATH", "/usr/bin")
BUILD = "debug"

PREFIX = os.getenv("RTT_CC_PREFIX", "")
CC = PREFIX + "gcc"
CXX = PREFIX + "g++"
AS = PREFIX + "gcc"
AR = PREFIX + "ar"
LINK = PREFIX + "gcc"
TARGET_EXT = "elf"
SIZE = PREFIX + "size"
OBJDUMP = PREFIX + "objdump"
OBJCPY = PREFIX + "objcopy"
STRIP = PREFIX + "strip"

DEVICE = ""
CFLAGS = "-std=c11 -O1 -g -Wall"
CXXFLAGS = CFLAGS
AFLAGS = "-c -x assembler-with-cpp"
LFLAGS = ""
POST_ACTION = ""
