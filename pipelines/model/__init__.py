"""The vocabulary of the project as frozen dataclasses.

Everything here imports the standard library only, so that any other package may import it.
It must not read files, touch a warehouse or compute a number.
"""
