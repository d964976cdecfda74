"""HTTP as values: messages, the table of headers, codings, event streams, JSON as text.

Nothing here opens a connection, and nothing here knows recordings.
"""
