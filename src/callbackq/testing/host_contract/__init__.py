"""Contracts of the small protocols that a host implements. They are imported from `callbackq.testing.contracts`."""
