"""How student code is run: in a sandbox, with the tests in another process, out of its reach."""
