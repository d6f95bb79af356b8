"""One small script for each neighbour, run by the Python of that neighbour's own environment.

They import the standard library, ``protocol.py`` and the neighbour, nothing else of this project.
"""
