"""What was said in a conversation, and what was kept from being said."""
