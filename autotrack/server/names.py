"""Names for runs that nobody has named: easier to say than an id."""

from __future__ import annotations

from random import SystemRandom

_FIRST = """
able agile amber ample azure brave brisk bronze calm clear clever coral crisp daring deep eager early even
exact fair fast fine firm fleet fresh gentle glad golden grand green happy hardy honest humble jolly just keen
kind lively loyal lucid lucky mellow merry mighty mild neat nimble noble open patient plain polite proud quick
quiet rapid ready red robust rosy royal sharp silent silver simple smart smooth snowy solid steady still sunny
swift tidy trusty upbeat vivid warm wise witty young zesty
""".split()  # noqa: SIM905 - words, one after the other
_SECOND = """
ant auk bass bat bear bee bird boar bug carp cat cod colt cow crab crane crow cub deer dog dove duck eel elk
emu ewe fawn finch fish flea fly foal fowl fox frog gnat goat goose grouse gull hare hawk hen heron horse
hound ibex jay kite koi lamb lark lion loon lynx mare mink mole moose moth mouse mule newt otter owl ox panda
perch pig pike plover pony quail ram rat raven rook seal shad sheep shrew shrike skunk sloth snail snipe sow
squid stag stork swan teal tern toad trout vole wasp whale wolf worm wren yak zebra
""".split()  # noqa: SIM905 - words, one after the other


def random_name() -> str:
    """Such as ``quick-fox-417``."""
    draw = SystemRandom()
    return f"{draw.choice(_FIRST)}-{draw.choice(_SECOND)}-{draw.randrange(1000)}"
