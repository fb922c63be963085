"""The tools of the checkout chat as a model is offered them: names and arguments as the graph has them."""

from pydantic import JsonValue

from graphs.model import ToolSpec


def _spec(name: str, *arguments: str) -> ToolSpec:
    properties: dict[str, JsonValue] = {each: {"type": "string"} for each in arguments}
    return ToolSpec(name, f"{name}.", {"type": "object", "properties": properties, "additionalProperties": False})


TOOLS = (
    _spec("get_cart"),
    _spec("search_faq", "question"),
    _spec("apply_discount", "reason", "asked_percent"),
    _spec("rank_upsells"),
    _spec("log_trigger", "handle"),
    _spec("record_diagnosis", "reason", "quote"),
    _spec("send_resume_link", "channel"),
    _spec("request_human", "reason"),
    _spec("set_opt_out", "scope"),
)
