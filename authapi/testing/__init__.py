"""What tests of this service and of an application's own endpoints need; ``plugin`` loads it."""
