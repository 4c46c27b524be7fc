"""Searching: a filter's text becomes a tree of typed conditions, and the tree becomes SQL."""
