"""The merchant's console: conversations, policy caps, outbox, keys, trail. It calls services and nothing else."""
