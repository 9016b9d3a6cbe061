"""What stands between a browser and an Asterisk, in the order of the way.

Evidence is gathered first, from files, from the running server, from outside and by test calls; then
checks, which touch nothing, say what it means. Nothing is ever changed.
"""
