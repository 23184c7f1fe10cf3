"""The models of the firmware. It must be a `pre:` script: what it adds is linked when the program is declared."""

Import("env")

import scons_mslite

scons_mslite.apply(env)
env.Replace(MSLITE_MANIFEST="$BUILD_DIR/models.json")

# "models" is one of our aliases, so the target of PlatformIO gets another name below.
tiny = env.MSLiteModel(
    env.File("$BUILD_DIR/models/tiny.ms"),
    env.File("$PROJECT_DIR/../models/tiny.mindir"),
    MSLITE_TRAIN=True,
)
embedded = env.MSLiteEmbed(tiny)
env.Append(CPPPATH=[embedded.include], PIOBUILDFILES=[env.Object(source) for source in embedded])
env.AddCustomTarget("mslite", tiny, None, title="MSLite models", always_build=False)
