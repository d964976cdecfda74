"""Which recording a request is equal to, and how two requests, answers or documents differ."""
