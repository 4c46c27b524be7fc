"""The append-only files of a run: the truth for what this machine recorded."""
