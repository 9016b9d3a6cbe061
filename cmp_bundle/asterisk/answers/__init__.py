"""What a running Asterisk answers on its command line, read into values.

``asterisk -rx`` exits with 0 whatever it says, also to what it does not know, so only the text tells.
Every function takes one answer and touches nothing. What is not in the text is left out, or None:
versions differ, and a wrong guess is worse than none.
"""
