"""autotrack and its peers, side by side on the same work: ``make bench``."""
