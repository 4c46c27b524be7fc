"""The context of runs, taken once a process, beside the program and not on its way; ``docs/context.md`` says what it
is and where it lies."""
