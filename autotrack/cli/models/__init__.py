"""``autotrack models``: the registry and the models in it, one file a command."""
