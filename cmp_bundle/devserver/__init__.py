"""The phone on a laptop, exactly as Asterisk will serve it, reloaded as it is edited."""
