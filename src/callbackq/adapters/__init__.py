"""Other systems, connected. Each module needs an extra of its own, and nothing of it is imported before it is used."""
