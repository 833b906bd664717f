"""The parts of `callbackq.testing.contracts.TelephonyContract`, by what they are about."""
