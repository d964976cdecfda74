"""The log of changes of metadata: what is written, how it is kept, asked and verified."""
