"""The context of a run, as facts: what is collected here knows nothing of runs."""
