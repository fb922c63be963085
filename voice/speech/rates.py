"""Samples a second."""

# Telephone lines carry 8 kHz; the recogniser, the voice detector and the turn model hear at 16 kHz.
LINE_RATE = 8_000
HEARING_RATE = 16_000
