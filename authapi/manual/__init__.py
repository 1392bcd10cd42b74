"""JSON Web Tokens by hand, on PyJWT, for learning. Start with ``tokens.py``."""
