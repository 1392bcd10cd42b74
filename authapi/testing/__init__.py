"""Test helpers for this service and for an application's own endpoints, provided by ``plugin``."""
