"""Which tools an agent has."""

from typing import Any

from tools.apply_discount import apply_discount
from tools.base import Tool
from tools.dispatch import Toolbox
from tools.get_cart import get_cart
from tools.log_trigger import log_trigger
from tools.rank_upsells import rank_upsells
from tools.record_diagnosis import record_diagnosis
from tools.request_human import request_human
from tools.schedule_stage import schedule_stage
from tools.search_faq import search_faq
from tools.send_resume_link import send_resume_link
from tools.set_opt_out import set_opt_out


def toolbox(*tools: Tool[Any]) -> Toolbox:
    return {each.name: each for each in tools}


CHECKOUT_CHAT = toolbox(
    get_cart,
    search_faq,
    apply_discount,
    rank_upsells,
    log_trigger,
    record_diagnosis,
    send_resume_link,
    request_human,
    set_opt_out,
)
RECOVERY_PLANNER = toolbox(get_cart, rank_upsells, search_faq, log_trigger, schedule_stage)
VOICE_CALL = toolbox(
    get_cart,
    search_faq,
    apply_discount,
    record_diagnosis,
    send_resume_link,
    request_human,
    set_opt_out,
)
