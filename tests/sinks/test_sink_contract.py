"""The built-in sinks keep to what every sink promises."""

from autotrack.sinks.local import LocalSink
from autotrack.sinks.memory import MemorySink
from autotrack.testing import Recording, SinkContract, recorded


class TestLocal(SinkContract):
    """A directory of this machine."""

    def sink(self, directory):
        return LocalSink(directory / "store")

    def runs(self, sink):
        return recorded(sink.directory)


class TestMemory(SinkContract):
    """A list of this process."""

    outlives_the_process = False

    def sink(self, directory):
        return MemorySink()

    def runs(self, sink):
        return Recording(sink).runs
