"""Puts the Cyber Mega Phone 2K, a browser phone, on Asterisk's own web server."""

__version__ = "0.1.0"
