"""Typed clients from ``openapi.yaml``, and the part of a client that no generator writes."""
