"""Recordings of other tools, read and written; none knows the others."""
