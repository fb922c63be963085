"""Conversations as a merchant looks for them and reads them: chats, calls and the planner's records alike."""
