"""Where a run's facts go."""
