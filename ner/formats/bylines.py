"""Who wrote and who edited an article, as its text says. The text itself is left as it is."""

import re

_ROLES = r"(?:首席|见习|实习|特约|特派|驻站|全媒体|融媒体|视觉|摄影|文字|本报|本网)"
_ROLE = rf"{_ROLES}{{0,3}}(?:记者|通讯员)"
_IN_BRACKETS = re.compile(rf"[（(]\s{{0,3}}{_ROLE}(?!注|按)\s{{0,3}}([^（）()]{{1,60}})[）)]")
_ALONE = re.compile(
    rf"[□■●◎▲\s]{{0,4}}(?:{_ROLE}|作者|文字?\s?[/／]\s?图?|图文)\s{{0,3}}[:：/／]?\s{{0,3}}(.{{1,60}})"
)
_EDITOR = re.compile(
    r"(?:责任编辑|责编|编辑)\s{0,3}[:：/／]?\s{0,3}"
    r"([^\s:：()（）]{1,12}(?:[、,，\s]{1,3}[^\s:：()（）]{1,12}){0,5})"
)
_BETWEEN = re.compile(rf"[、,，;；/／\s]+|{_ROLE}|文并?图|摄影?(?=$)")
_HANZI = r"[\u3400-\u9fff\U00020000-\U0003ffff]"
_NAME = re.compile(
    rf"{_HANZI}{{1,4}}|{_HANZI}{{1,8}}(?:[·•]{_HANZI}{{1,8}}){{1,3}}|[A-Za-z.]{{1,16}}"
)
_OTHER_ROLES = re.compile(
    r"校对|校审|美编|版式|审核|值班|主编|编审|制图|设计|监制|图片|视觉|邮箱|热线"
)
_NEAR = 300  # code points at the beginning and at the end of a text where a byline stands


def find_author(body: str) -> str:
    """The names of a byline, with 、 between them: ``甲、乙`` of （记者 甲、乙）; empty if there is none.

    It is in brackets near the beginning or the end, or a line of its own there.
    """
    for part in (body[:_NEAR], body[-_NEAR:]):
        for match in _IN_BRACKETS.finditer(part):
            if names := _names(match[1]):
                return names
    lines = body[:_NEAR].split("\n")[:2] + body[-_NEAR:].split("\n")[-2:]
    for line in lines:
        alone = _ALONE.fullmatch(line.strip()) if len(line) < 60 else None
        if alone and (names := _names(alone[1])):
            return names
    return ""


def find_editor(text: str) -> str:
    """The names after 责编 in a short line or at the end; empty if there are none."""
    lines = [line for line in text[-_NEAR:].split("\n") if len(line) < 80]
    for line in reversed(lines):
        if match := _EDITOR.search(line):
            before_others = _OTHER_ROLES.split(match[1])[0]
            if names := _names(before_others):
                return names
    return ""


def _names(text: str) -> str:
    """The names of a list of them; empty where something in it is none."""
    names = [name for name in _BETWEEN.split(text.strip(" :：。")) if name]
    if not names or not all(map(_NAME.fullmatch, names)):
        return ""
    return "、".join(names)
