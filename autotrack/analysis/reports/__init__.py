"""Reports: what an experiment has found, as one page to be handed on."""
