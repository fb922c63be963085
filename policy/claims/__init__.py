"""What may be said: a sentence passes only when each claim in it is bound to a fact or a committed row."""
