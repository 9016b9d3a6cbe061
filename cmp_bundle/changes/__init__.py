"""The one engine for changes to a server: a plan, a journal that says how to undo it, an executor."""
