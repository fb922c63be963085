"""Card numbers and security codes, removed before anything is stored (rules C-45)."""
