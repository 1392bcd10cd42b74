"""The systems, one module each. A module has an ``application`` and ``make_users(names)``."""
