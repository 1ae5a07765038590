"""The menu of the official account and the printable poster of a hall."""

from html import escape
from io import BytesIO
from typing import Any

import segno

from backend.catalogue.values import Hall


def menu(url: str) -> dict[str, Any]:
    """Three buttons: what WeChat allows at most."""
    base = url.rstrip("/")

    def view(name: str, path: str) -> dict[str, str]:
        return {"type": "view", "name": name, "url": base + path}

    def click(name: str, words: str) -> dict[str, str]:
        return {"type": "click", "name": name, "key": words}

    return {
        "button": [
            {
                "name": "办事",
                "sub_button": [view("找事项", "/search"), click("预约", "预约"), view("我的预约", "/appointments")],
            },
            {"name": "大厅", "sub_button": [click("排队", "排队"), view("大厅在哪", "/halls")]},
            {
                "name": "帮助",
                "sub_button": [click("怎么用", "帮助"), click("12345", "12345"), view("我的消息", "/inbox")],
            },
        ]
    }


def poster(hall: Hall, scanned: str) -> str:
    """An A4 page with one large code; `scanned` is the address in it."""
    drawing = BytesIO()
    segno.make(scanned, error="m").save(drawing, kind="svg", xmldecl=False, svgns=True, border=2, omitsize=True)
    name, address = escape(hall.name.zh), escape(hall.address_line.zh)
    return f"""<!doctype html>
<html lang="zh-CN">
<meta charset="utf-8">
<title>{name}</title>
<style>
@page {{ size: A4; margin: 15mm }}
body {{ margin: 0; font-family: "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; text-align: center }}
h1 {{ margin: 12mm 0 4mm; font-size: 30pt }}
p {{ margin: 0; font-size: 16pt }}
svg {{ width: 120mm; height: 120mm; margin: 10mm auto; display: block }}
ol {{ display: inline-block; margin: 0; padding-left: 1.2em; font-size: 20pt; line-height: 1.7; text-align: left }}
</style>
<h1>{name}</h1>
<p>{address}</p>
{drawing.getvalue().decode()}
<ol><li>用微信扫一扫</li><li>看现在排队多少人，取号</li><li>快到你了，微信告诉你</li></ol>
</html>
"""
