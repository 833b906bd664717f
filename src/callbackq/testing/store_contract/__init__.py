"""The parts of `callbackq.testing.contracts.StoreContract`, one file for each thing that a store promises."""
