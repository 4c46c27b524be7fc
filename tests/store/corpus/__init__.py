"""Questions that people ask of their runs, each beside what it means, and the runs that they are asked of."""
