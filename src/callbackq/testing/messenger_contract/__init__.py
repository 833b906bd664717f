"""The parts of `callbackq.testing.contracts.MessengerContract` and its companions."""
