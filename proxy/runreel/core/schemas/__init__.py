"""Pydantic models of what travels on the wire, one module per profile (a dialect of the API)."""
