"""Quality: gates that stop bad tables (Great Expectations) and flags that describe how a response was given.

A gate judges a whole table and a flag one response; neither changes or removes a row.
"""
