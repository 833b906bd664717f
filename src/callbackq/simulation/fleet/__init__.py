"""
A fleet: several nodes over one store, in virtual time, in which nearly everything goes wrong.

`plan` says what a world is made of, `world` plays it, `accounts` checks it, `shrinking` makes a failing one small, and
`story` tells it.
"""
