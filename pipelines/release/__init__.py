"""Freezing a round's results into an immutable release, and the way of a release to publication.

It must not compute a score, write a format or touch the warehouse.
"""
