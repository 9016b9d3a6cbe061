"""A server's Asterisk while its configuration is changed: what is there, our files and their lines."""
