"""What is seen of the cluster: watches fill a cache, changes fill a queue of keys."""
