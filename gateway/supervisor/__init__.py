"""Starts a gateway and keeps it running: the store, the workers, the sandbox's simulators."""
