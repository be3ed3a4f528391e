"""The page about rights and roles, read off the enum."""

# ruff: noqa: E501 - a paragraph of a page is one line

from __future__ import annotations

from collections.abc import Iterator

from taigan.rights import ALL, Right, Role

MADE = "<!-- Made by tools/generate_docs.py from src/taigan/rights.py. Do not edit. -->"
WORDS = {
    "": {
        "title": "权限和角色",
        "intro": "每个令牌有自己的权限和车场：`taigan token create 名字 --role 角色 --right 权限 --lot 车场`，"
        "几样都可以写多次；不写 `--lot` 是全部车场。没有权限的动作答 403 并说出缺哪一个；不属于令牌的车场答 404，"
        "和不存在的车场没有两样。令牌的名字（`via`）和操作人一起留在抬杆、订单经过和操作记录里。\n\n"
        "配置 `[lot] api_tokens` 里的令牌和有权限之前造的令牌什么都能做；`taigan doctor` 会点名。",
        "roles": "角色",
        "rights": "权限",
        "role_columns": ("角色", "名称", "权限"),
        "right_columns": ("权限", "能做什么"),
        "all": "全部",
        "but": "全部，除了",
    },
    ".en": {
        "title": "Rights and roles",
        "intro": "Every token has rights and lots of its own: `taigan token create NAME --role ROLE --right RIGHT --lot LOT`; "
        "each may be given several times, and without `--lot` it is for all lots. What a token may not do is answered 403, "
        "with the right it takes; a lot that is not its own is answered 404, as one that does not exist. The token's name "
        "(`via`) stands beside the operator in lifts, in the events of orders and in acts.\n\n"
        "Tokens in `[lot] api_tokens` and those made before there were rights may do everything; `taigan doctor` names them.",
        "roles": "Roles",
        "rights": "Rights",
        "role_columns": ("role", "name", "rights"),
        "right_columns": ("right", "what it allows"),
        "all": "all",
        "but": "all but",
    },
}


def rights_pages() -> Iterator[tuple[str, str]]:
    """The page in both languages."""
    for ending, words in WORDS.items():
        chinese = ending == ""
        lines = [f"# {words['title']}", "", MADE, "", str(words["intro"]), "", f"## {words['roles']}", ""]
        lines += _head(words["role_columns"])
        for role in Role:
            lines.append(f"| `{role.value}` | {role.zh if chinese else role.en} | {_rights(role, words)} |")
        lines += ["", f"## {words['rights']}", "", *_head(words["right_columns"])]
        lines += [f"| `{right.value}` | {right.zh if chinese else right.en} |" for right in Right]
        yield f"rights{ending}.md", "\n".join(lines) + "\n"


def _head(columns: object) -> list[str]:
    assert isinstance(columns, tuple)
    return [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]


def _rights(role: Role, words: dict[str, object]) -> str:
    missing = ALL - role.rights
    if not missing:
        return str(words["all"])
    few, how = (missing, f"{words['but']} ") if len(missing) < len(role.rights) / 2 else (role.rights, "")
    return how + ", ".join(f"`{right.value}`" for right in Right if right in few)
