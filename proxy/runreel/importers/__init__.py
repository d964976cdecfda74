"""Recordings of other tools, in and out: each format is read into values, nothing is written."""
