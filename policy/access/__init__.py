"""Who may work in the console, and the trail of what they changed."""
