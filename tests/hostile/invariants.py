"""The checks of a wave, counted from the database: what follows holds whatever the model said and called."""

from tests.hostile.contact_checks import check_contact
from tests.hostile.money_checks import check_money
from tests.hostile.records import Wave
from tests.hostile.speech_checks import check_speech
from tests.hostile.tally import Tally
from tests.hostile.turn_checks import check_turns
from tests.hostile.wall_checks import check_walls


def check_wave(wave: Wave, tally: Tally) -> None:
    check_money(wave, tally)
    check_walls(wave, tally)
    check_speech(wave, tally)
    check_turns(wave, tally)
    check_contact(wave, tally)
