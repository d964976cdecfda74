"""A stand-in for the API that keeps state, in this process and without a key."""
