"""Build script of the platform: what the board scripts of real platforms do, for the compiler of this machine."""

from SCons.Script import DefaultEnvironment, Default

env = DefaultEnvironment()
env.Replace(CC="gcc", CXX="g++", AS="gcc", AR="gcc-ar", RANLIB="gcc-ranlib", LINK="gcc", SIZETOOL=None)
Default([env.BuildProgram()])
