"""Where a phone comes from: its sources, what is let in, its git tree id, and the cache.

``source.parse`` takes what a user writes, ``fetch.fetch`` turns it into a ``model.Phone``. Nothing
is imported here: who only needs the shape of a phone should not pay for TLS and archives.
"""
