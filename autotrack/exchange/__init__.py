"""Taking what was recorded from one place to another: bundles, tables, and the records of other trackers."""
