"""What many runs say together: what differs between them, and what mattered."""
