"""Bytes on disk that survive a crash: whole files, and logs that only grow."""
