"""Readers of the stream of facts."""
