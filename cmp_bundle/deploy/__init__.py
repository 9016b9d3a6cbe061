"""Putting a bundle on an Asterisk: releases, the one line, and a way back from every step."""
