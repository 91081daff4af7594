"""What a page says, and what its form would send."""

import re
from html import unescape


def fields_of(page: str) -> dict[str, str]:
    """Return what the form on a page would send."""
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        found = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        if found.get("type") != "file":
            fields[unescape(found["name"])] = unescape(found["value"])
    for name, body in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', body)
        fields[unescape(name)] = unescape(chosen.group(1)) if chosen else ""
    return fields


def text_of(page: str) -> str:
    """Return the words on a page."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())
