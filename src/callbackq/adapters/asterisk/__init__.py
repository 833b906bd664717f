"""
Asterisk 20 or later, by its two interfaces. Nothing is imported before it is used.

* `callbackq.adapters.asterisk.ari`: calls, bridges, prompts and callers, over REST (ARI). Needs the extra `asterisk`.
* `callbackq.adapters.asterisk.queues`: agents, pauses and the queues of `app_queue`, over the manager interface (AMI).
  Needs nothing.
"""
