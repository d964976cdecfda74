"""Users of cassettes: which recording answers, what is captured, and who may begin."""
