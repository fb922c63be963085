"""Conversations: the list, and one of them in full."""
