"""The network, both ways: how other servers are reached, and how long the small ones of ours wait for who knocks."""
