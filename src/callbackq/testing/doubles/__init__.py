"""
Phone systems that are not there: servers on the loopback that speak the protocol of a real one.

Each is built from recorded exchanges, has phones at its far end that a test steers, is honest by default, and
misbehaves by a seed where it is told to (`mischief`). They need the extra of the system that they stand for.
"""
