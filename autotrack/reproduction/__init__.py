"""Doing a run again: from its record to its code, its environment, its data and its command, and to a verdict."""
