"""Pages of the server's own, without any script: the sign-in page, and those that say no."""

import base64
import hashlib

from qa.types import Language

LANG: dict[Language, str] = {"zh-Hans": "zh-CN", "zh-Hant": "zh-TW", "en": "en"}
"""The languages as the page names them."""

_STYLE = """
:root { color-scheme: light dark; --seal: #a3352b; --soft: #5f5953; --ground: #fafaf9;
  --sheet: #fff; --ink: #1c1917; --rule: #d6d3d1; --alarm: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --seal: #f0988a; --soft: #b8b0a9; --ground: #1c1917;
  --sheet: #292524; --ink: #f5f5f4; --rule: #57534e; --alarm: #f5a39c; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 16px;
  font: 16px/1.6 system-ui, sans-serif; color: var(--ink); background: var(--ground); }
:lang(zh-CN) { font-family: "PingFang SC", "Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC",
  system-ui, sans-serif; }
:lang(zh-TW) { font-family: "PingFang TC", "Microsoft JhengHei", "Noto Sans TC",
  "Noto Sans CJK TC", system-ui, sans-serif; }
main { width: 100%; max-width: 24rem; padding: 24px; border: 1px solid var(--rule);
  border-radius: 8px; background: var(--sheet); overflow-wrap: anywhere; }
h1 { margin: 0 0 16px; font-size: 1.4rem; color: var(--seal); }
h1 small { margin-left: .5em; font-size: .6em; font-weight: 500; color: var(--soft); }
label { display: block; margin: 12px 0 4px; }
input { width: 100%; padding: 8px 10px; font: inherit; color: inherit; background: var(--ground);
  border: 1px solid var(--soft); border-radius: 6px; }
button { width: 100%; margin-top: 20px; padding: 9px; font: inherit; font-weight: 600; border: 0;
  border-radius: 6px; color: var(--sheet); background: var(--seal); cursor: pointer; }
:focus-visible { outline: 2px solid var(--seal); outline-offset: 2px; }
a { color: var(--seal); }
.quiet { color: var(--soft); }
.alarm { margin: 0; padding: 8px 10px; border: 1px solid var(--alarm); border-radius: 6px;
  color: var(--alarm); }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
STRICT_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""The content security policy of these pages: one style sheet, no script at all."""


def page(lang: str, title: str, body: str, *, refresh: str = "") -> str:
    """Return a page.

    Args:
        lang: its language, for the browser.
        title: of the page; ours, so not escaped.
        body: HTML in which everything untrusted is escaped already.
        refresh: an escaped address to which the browser goes on by itself.
    """
    goes_on = f'<meta http-equiv="refresh" content="0; url={refresh}">' if refresh else ""
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'{goes_on}<link rel="icon" href="data:,"><title>{title} · Yinzheng 引證</title>'
        f"<style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )
