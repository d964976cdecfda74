"""The path of one request: what is decided of it, forwarded, recorded, audited and told."""
