"""Places to keep cassettes; each passes `tests/stores/test_contract.py`."""
