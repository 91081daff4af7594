"""The page of commands: usage, options and example of each, from the parser that reads them."""

import argparse
import re
from collections.abc import Iterator

from docs._ext.reference import layout
from holdfast.command_line import parser

INTRODUCTION = """Every command is one of `python -m holdfast COMMAND`, run anywhere inside the repository; `--help`
says the same as this page. All of them exit with [the same codes](codes.md#exit-codes)."""


def page() -> str:
    """Return the page."""
    commands = list(_commands(parser()))
    contents = layout.table(
        ("command", "what it does"),
        ([f"[`{_short(one)}`]({layout.anchor(_short(one))})", layout.sentence(said)] for one, said in commands),
    )
    return layout.page("Commands", INTRODUCTION, contents, *(_described(one, said) for one, said in commands))


def _commands(top: argparse.ArgumentParser) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """Give each command with what is said of it, those of a group of commands after the group."""
    for group in _groups(top):
        said = {choice.dest: choice.help or "" for choice in group._choices_actions}
        for name, command in group.choices.items():
            if name in said:  # what is not listed by --help is not for people
                yield command, said[name]
                yield from _commands(command)


def _groups(command: argparse.ArgumentParser) -> "list[argparse._SubParsersAction[argparse.ArgumentParser]]":
    return [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]


def _short(command: argparse.ArgumentParser) -> str:
    return command.prog.removeprefix("python -m holdfast ")


def _described(command: argparse.ArgumentParser, said: str) -> str:
    parts = [f"## {_short(command)}", layout.sentence(said), f"```text\n{_usage(command)}\n```"]
    if command.description and command.description != said:
        parts.insert(2, layout.sentence(command.description))
    rows = [_row(action) for action in _shown(command)]
    if rows:
        parts.append(layout.table(("argument", "what it is"), rows))
    return "\n\n".join([*parts, *_examples(command.epilog or "")])


def _shown(command: argparse.ArgumentParser) -> list[argparse.Action]:
    hidden = (argparse._HelpAction, argparse._SubParsersAction)
    return [one for one in command._actions if not isinstance(one, hidden) and one.help != argparse.SUPPRESS]


def _row(action: argparse.Action) -> list[str]:
    names = " or ".join(layout.code(name) for name in action.option_strings or [_value(action)])
    value = f" {layout.code(_value(action))}" if action.option_strings and action.nargs != 0 else ""
    required = "; required" if action.required and action.option_strings else ""
    repeated = isinstance(action, argparse._AppendAction) and "repeat" not in str(action.help)
    again = "; may be repeated" if repeated else ""
    return [names + value, f"{action.help or ''}{required}{again}"]


def _value(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices:
        return f"{{{','.join(map(str, action.choices))}}}"
    return action.dest.upper()


def _usage(command: argparse.ArgumentParser) -> str:
    """Return the usage; argparse words it differently from one Python to the next."""
    exclusive = {id(one): group for group in command._mutually_exclusive_groups for one in group._group_actions}
    words, seen = [command.prog], set[int]()
    for action in sorted(_shown(command), key=lambda one: not one.option_strings):
        group = exclusive.get(id(action))
        if group is None:
            words.append(_bracketed(_word(action), required=action.required and action.nargs != "*"))
        elif id(group) not in seen:
            seen.add(id(group))
            choice = " | ".join(map(_word, group._group_actions))
            words.append(f"({choice})" if group.required else f"[{choice}]")
    return " ".join([*words, *(["COMMAND"] if _groups(command) else [])])


def _word(action: argparse.Action) -> str:
    value = _value(action)
    if action.nargs == 0:
        return action.option_strings[0]
    if action.nargs in {"*", "+"}:
        value += " ..."
    return f"{action.option_strings[0]} {value}" if action.option_strings else value


def _bracketed(word: str, *, required: bool) -> str:
    return word if required else f"[{word}]"


def _examples(epilog: str) -> list[str]:
    """Return what follows the options; each example on its line."""
    found = re.match(r"\s*examples?:\s*(.*)", epilog, re.DOTALL)
    if found is None:
        return [epilog.strip()] if epilog.strip() else []
    examples = [one.strip() for one in re.split(r"; |\n", found[1]) if one.strip()]
    word = "Examples" if len(examples) > 1 else "Example"
    return ["\n".join([f"{word}:\n\n```text", *examples, "```"])]
