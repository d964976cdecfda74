"""Taking secrets out before anything is matched, stored or told."""
