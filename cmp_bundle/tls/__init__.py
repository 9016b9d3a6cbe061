"""Certificates: an authority of one's own, leaves that browsers accept, and who trusts them."""
