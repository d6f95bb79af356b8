"""The page on which people sign in, and the one on which they sign out."""

import html

from qa.server.login_words import LOGIN_WORDS
from qa.server.simple_pages import LANG, page
from qa.types import Language

_HEAD = "<h1>引證<small>Yinzheng</small></h1>"


def sign_in_page(
    language: Language, *, root: str, target: str, name: str = "", alarm: str = ""
) -> str:
    """Return the form; everything given may be untrusted.

    Args:
        language: of the page.
        root: the path under which the server is served.
        target: the path to open afterwards.
        name: as typed before.
        alarm: what went wrong with the last attempt.
    """
    words = LOGIN_WORDS[language]
    said = f'<p class="alarm" role="alert">{html.escape(alarm)}</p>' if alarm else ""
    described = ' aria-invalid="true"' if alarm else ""
    focus_name, focus_password = ("", " autofocus") if name else (" autofocus", "")
    body = (
        f'{_HEAD}{said}<form method="post" action="{html.escape(root)}/login">'
        f'<input type="hidden" name="next" value="{html.escape(target)}">'
        f'<label for="name">{words["name"]}</label>'
        f'<input id="name" name="name" value="{html.escape(name)}" autocomplete="username" '
        f'autocapitalize="none" spellcheck="false" required maxlength="64"{focus_name}{described}>'
        f'<label for="password">{words["password"]}</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" '
        f'required maxlength="1024"{focus_password}{described}>'
        f'<button type="submit">{words["sign_in"]}</button></form>'
    )
    return page(LANG[language], words["title"], body)


def sign_out_page(language: Language, *, root: str, name: str) -> str:
    """Return the form that ends a session: following a link alone never does."""
    words = LOGIN_WORDS[language]
    body = (
        f"{_HEAD}<p>{words['signed_in_as']}<b>{html.escape(name)}</b></p>"
        f'<form method="post" action="{html.escape(root)}/logout">'
        f'<button type="submit">{words["sign_out"]}</button></form>'
        f'<p><a href="{html.escape(root)}/">{words["back"]}</a></p>'
    )
    return page(LANG[language], words["sign_out"], body)


def going_on_page(language: Language, *, root: str, target: str) -> str:
    """Return a page that opens another: then the browser sends the cookie that it held back."""
    words = LOGIN_WORDS[language]
    address = html.escape(f"{root}{target}")
    return page(
        LANG[language],
        words["going"],
        f'{_HEAD}<p><a href="{address}">{words["going"]}</a></p>',
        refresh=address,
    )
