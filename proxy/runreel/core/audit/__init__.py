"""The audit log of metadata: its entries, their chain, and what an exchange says of a run."""
