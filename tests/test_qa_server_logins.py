"""Signing in: by hand, by program, and in a real Chromium."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from guarded import guarded
from serving import Server
from signing_in import (
    ADMINISTRATOR,
    ADMINISTRATOR_TOKEN,
    PASSWORD,
    READER,
    READER_TOKEN,
    as_cookie,
    bearer,
    request,
    sign_in,
    write_people,
)

from qa.server.credentials import read_credentials, write_credentials
from qa.server.logins import a_target
from qa.server.passwords import hash_of
from qa.server.settings import ServerSettings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PAGE = {"Accept": "text/html"}


@pytest.fixture
def settings(tmp_path: Path) -> ServerSettings:
    write_people(tmp_path)
    return ServerSettings(
        data_dir=tmp_path / "data",
        users_file=tmp_path / "users",
        token_file=tmp_path / "tokens",
    )


@pytest.fixture
def port(settings: ServerSettings) -> Iterator[int]:
    with guarded(settings) as at:
        yield at


def test_programs_are_told_to_show_a_token_and_people_to_sign_in(port: int) -> None:
    for path in ("/echo", "/", "/whoami", "/logout", "/nothing"):
        refused = request(port, path)
        assert refused.status == 401
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["www-authenticate"] == 'Bearer realm="Yinzheng"'
        assert json.loads(refused.text)["title"] == "Unauthorized"
    sent_on = request(port, "/echo?a=1&b=%E5%BC%95", headers=PAGE)
    assert sent_on.status == 303
    assert sent_on.headers["location"] == "/login?next=/echo%3Fa%3D1%26b%3D%25E5%25BC%2595"
    assert request(port, "/healthz").text == '{"status":"ok"}'
    assert request(port, "/login", headers=PAGE).status == 200


def test_a_token_lets_a_program_in_and_a_wrong_one_nobody(port: int) -> None:
    for token, visitor in (
        (READER_TOKEN, ["reads", "reader"]),
        (ADMINISTRATOR_TOKEN, ["changes", "administrator"]),
    ):
        reply = request(port, "/echo", headers=bearer(token))
        assert json.loads(reply.text)["visitor"] == visitor
    session = sign_in(port, READER, PASSWORD).cookies
    refused = request(port, "/echo", headers={**as_cookie(session), **bearer("wrong"), **PAGE})
    assert refused.status == 401, "the session does not help whoever shows a wrong token"
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]


def test_wrong_tokens_have_to_wait_and_make_no_working_one_wait(port: int) -> None:
    assert request(port, "/echo", headers=bearer(READER_TOKEN)).status == 200
    tried = [request(port, "/echo", headers=bearer(f"wrong{n}")) for n in range(6)]
    assert [one.status for one in tried[:3]] == [401] * 3
    assert tried[5].status == 429
    assert 1 <= int(tried[5].headers["retry-after"]) <= 60
    unknown = request(port, "/echo", headers=bearer(ADMINISTRATOR_TOKEN))
    assert unknown.status == 429, "else whoever guesses learns at once which one is right"
    assert request(port, "/echo", headers=bearer(READER_TOKEN)).status == 200
    assert request(port, "/echo").status == 401, "who shows none is told to show one"


def test_signing_in_gives_a_session_and_signing_out_ends_it(port: int) -> None:
    reply = sign_in(port, READER, PASSWORD)
    assert (reply.status, reply.headers["location"]) == (303, "/config")
    raw = reply.headers["set-cookie"]
    assert "HttpOnly" in raw
    assert "SameSite=Strict" in raw
    session = {f"yinzheng-session-{port}": reply.cookies[f"yinzheng-session-{port}"]}
    assert len(session[f"yinzheng-session-{port}"]) == 43
    seen = json.loads(request(port, "/echo", headers=as_cookie(session)).text)
    assert seen["visitor"] == [READER, "reader"]
    who = json.loads(request(port, "/whoami", headers=as_cookie(session)).text)
    assert who == {"name": READER, "role": "reader"}
    asked = request(port, "/logout", headers={**as_cookie(session), **PAGE})
    assert READER in asked.text
    assert request(port, "/echo", headers=as_cookie(session)).status == 200, "a link ends nothing"
    foreign = {**as_cookie(session), "Origin": "http://evil.example"}
    assert request(port, "/logout", method="POST", headers=foreign).status == 403
    assert request(port, "/logout", method="POST", headers=as_cookie(session)).status == 303
    assert request(port, "/echo", headers=as_cookie(session)).status == 401
    assert sign_in(port, READER, PASSWORD, headers={"Origin": "http://evil.example"}).status == 403


def test_every_sign_in_is_a_new_session_and_ends_the_one_before(port: int) -> None:
    first = sign_in(port, READER, PASSWORD).cookies
    second = sign_in(port, READER, PASSWORD, headers=as_cookie(first)).cookies
    assert first != second
    assert request(port, "/echo", headers=as_cookie(first)).status == 401
    assert request(port, "/echo", headers=as_cookie(second)).status == 200
    forged = dict.fromkeys(second, "A" * 43)
    assert request(port, "/echo", headers=as_cookie(forged)).status == 401


def test_a_changed_password_role_or_user_counts_at_once(
    port: int, settings: ServerSettings
) -> None:
    assert settings.users_file is not None
    session = as_cookie(sign_in(port, READER, PASSWORD).cookies)
    other = as_cookie(sign_in(port, ADMINISTRATOR, PASSWORD).cookies)
    people = read_credentials(settings.users_file, "users")

    def visitor(cookie: dict[str, str]) -> object:
        reply = request(port, "/echo", headers=cookie)
        return json.loads(reply.text)["visitor"] if reply.status == 200 else reply.status

    raised = people[READER].__class__(READER, "administrator", people[READER].secret)
    write_credentials(settings.users_file, {**people, READER: raised}, "users")
    assert visitor(session) == [READER, "administrator"]
    changed = people[READER].__class__(READER, "reader", hash_of("a new password"))
    write_credentials(settings.users_file, {**people, READER: changed}, "users")
    assert visitor(session) == 401
    assert visitor(other) == [ADMINISTRATOR, "administrator"]
    write_credentials(settings.users_file, {READER: changed}, "users")
    assert visitor(other) == 401
    settings.users_file.write_text("broken\n", encoding="utf-8")
    again = as_cookie({f"yinzheng-session-{port}": "A" * 43})
    assert sign_in(port, READER, "a new password", headers=again).status == 503
    assert visitor(session) == 401
    assert request(port, "/healthz").status == 200


def test_a_session_survives_a_restart_of_the_server_and_expires(settings: ServerSettings) -> None:
    with guarded(settings) as port:
        number = next(
            value
            for name, value in sign_in(port, READER, PASSWORD).cookies.items()
            if "session" in name
        )
    with guarded(settings) as port:
        session = as_cookie({f"yinzheng-session-{port}": number})
        assert request(port, "/echo", headers=session).status == 200
    short = ServerSettings(
        data_dir=settings.data_dir, users_file=settings.users_file, session_hours=0.3 / 3600
    )
    with guarded(short) as port:
        time.sleep(0.4)
        session = as_cookie({f"yinzheng-session-{port}": number})
        assert request(port, "/echo", headers=session).status == 401


def test_wrong_passwords_have_to_wait_even_when_the_next_is_right(port: int) -> None:
    device = sign_in(port, READER, PASSWORD).cookies
    statuses = [sign_in(port, READER, "wrong").status for _ in range(5)]
    assert statuses == [401] * 4 + [429]
    refused = sign_in(port, READER, PASSWORD)
    assert refused.status == 429
    assert refused.headers["retry-after"] == "1"
    assert "Too many failed attempts. Please wait 1 s" in refused.text
    # The owner of the name, in the browser in which he signed in before, does not wait.
    assert sign_in(port, READER, PASSWORD, headers=as_cookie(device)).status == 303
    stolen = dict.fromkeys(device, "B" * 43)
    assert sign_in(port, READER, PASSWORD, headers=as_cookie(stolen)).status == 429
    time.sleep(1.1)
    assert sign_in(port, READER, PASSWORD).status == 303
    assert sign_in(port, READER, "wrong").status == 401, "and is begun anew"


def test_an_unknown_name_is_told_the_same(port: int) -> None:
    wrong, unknown = sign_in(port, READER, "wrong"), sign_in(port, "nobody", "wrong")
    assert wrong.status == unknown.status == 401
    assert wrong.text.replace(READER, "") == unknown.text.replace("nobody", "")
    assert sign_in(port, "a:b", PASSWORD).status == 401
    assert sign_in(port, READER, "x" * 2000).status == 401
    assert sign_in(port, "", "").status == 401


def test_what_was_typed_is_shown_as_text_and_no_password_comes_back(port: int) -> None:
    typed = '"><script>window.hurt=1</script>'
    page = sign_in(port, typed, "my secret").text
    assert "<script" not in page
    assert "&quot;&gt;&lt;script&gt;" in page
    assert "my secret" not in page
    target = request(port, '/login?next=/"><script>', headers=PAGE).text
    assert "<script" not in target
    assert 'name="next" value="/"' in target


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "evil.example",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: x=1",
        "/login?next=/login",
        "/logout",
        "",
        "/" + "x" * 3000,
    ],
)
def test_after_signing_in_nobody_is_sent_elsewhere(target: str) -> None:
    assert a_target(target) == "/"


@pytest.mark.parametrize("target", ["/", "/config", "/a/b?c=%E5%BC%95&d=1"])
def test_after_signing_in_the_page_asked_for_is_opened(target: str) -> None:
    assert a_target(target) == target


def test_with_tokens_alone_nobody_signs_in(settings: ServerSettings, tmp_path: Path) -> None:
    only = ServerSettings(data_dir=tmp_path / "d", token_file=settings.token_file)
    with guarded(only) as port:
        assert request(port, "/", headers=PAGE).status == 401
        assert request(port, "/login", headers=PAGE).status == 401
        assert request(port, "/echo", headers=bearer(READER_TOKEN)).status == 200
    assert not (tmp_path / "d" / "sessions.sqlite").exists()


def test_behind_a_proxy_with_tls_the_cookie_is_secure_and_of_the_sub_path(
    settings: ServerSettings,
) -> None:
    behind = ServerSettings(
        data_dir=settings.data_dir,
        users_file=settings.users_file,
        behind_proxy=("127.0.0.1",),
        root_path="/kb",
    )
    with guarded(behind) as port:
        reply = sign_in(port, READER, PASSWORD, headers={"X-Forwarded-Proto": "https"})
        assert reply.headers["location"] == "/kb/config"
        assert "; Path=/kb/login; HttpOnly; SameSite=Strict; Secure" in reply.headers["set-cookie"]
        sent_on = request(port, "/kb/echo", headers=PAGE)
        assert sent_on.headers["location"] == "/kb/login?next=/echo"


def new_page(context: "BrowserContext", complaints: list[str]) -> "Page":
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    return page


def fill_in(page: "Page", name: str, password: str) -> None:
    page.get_by_label(re.compile("^(Name|用户名|使用者名稱)$")).fill(name)
    page.get_by_label(re.compile("^(Password|密码|密碼)$")).fill(password)
    page.keyboard.press("Enter")


@pytest.mark.browser
def test_a_reader_signs_in_asks_and_signs_out(login_server: Server, chromium: "Browser") -> None:
    complaints: list[str] = []
    with chromium.new_context(locale="zh-CN", java_script_enabled=True) as context:
        page = new_page(context, complaints)
        page.goto(login_server.url)
        assert page.url == f"{login_server.url}login"
        assert page.title() == "登录 · Yinzheng 引證"
        assert page.evaluate("document.activeElement.id") == "name"
        fill_in(page, READER, PASSWORD)
        page.locator("#question textarea").fill("呼伦贝尔的“三务合一”是什么？")
        page.keyboard.press("Enter")
        page.locator("#chat blockquote").first.wait_for()
        assert page.locator("#who").inner_text() == f"{READER} · 退出登录"
        assert not complaints
        # A link on another site: the cookie is held back at first, but nobody has to sign in again.
        other = context.new_page()
        other.goto(f"http://localhost:{login_server.port}/healthz")
        other.set_content(f"<a href='{login_server.url}'>link</a>")
        other.click("a")
        other.locator("#who").wait_for()
        page.locator("#who a").click()
        page.get_by_role("button", name="退出登录").click()
        page.wait_for_url(f"{login_server.url}login")
        other.locator("#question textarea").fill("呼伦贝尔")
        other.keyboard.press("Enter")
        ended = other.get_by_role("alert").filter(has_text="登录已过期")
        ended.get_by_role("link").click()
        other.get_by_label("密码").wait_for()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signing_in_needs_no_script_and_fits_a_phone(
    login_server: Server, chromium: "Browser", scheme: str
) -> None:
    with chromium.new_context(
        locale="zh-HK",
        viewport={"width": 390, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
        java_script_enabled=False,
    ) as context:
        page = context.new_page()
        page.goto(f"{login_server.url}login?next=/whoami")
        box = page.locator("main").bounding_box()
        assert box is not None
        assert box["x"] > 0
        assert box["x"] + box["width"] < 390
        fill_in(page, READER, "wrong")
        assert page.get_by_role("alert").inner_text() == "使用者名稱或密碼不對，請再試一次。"
        assert page.get_by_label("使用者名稱").input_value() == READER
        assert page.get_by_label("密碼").input_value() == ""
        shown = page.screenshot()
        fill_in(page, READER, PASSWORD)
        page.wait_for_url(re.compile("^[^?]*/whoami$"))
    folder = os.environ.get("YINZHENG_SCREENSHOTS")
    if folder:
        Path(folder, f"login-{scheme}.png").write_bytes(shown)


@pytest.mark.browser
def test_on_plain_http_from_another_machine_the_form_says_where_it_comes_from(
    settings: ServerSettings, chromium: "Browser"
) -> None:
    """There browsers send no Sec-Fetch-Site: the origin alone tells."""
    named = ServerSettings(
        data_dir=settings.data_dir,
        users_file=settings.users_file,
        allowed_hosts=("reader.example",),
    )
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    leads_here = "--host-resolver-rules=MAP *.example 127.0.0.1"
    arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", leads_here]
    browser = chromium.browser_type.launch(executable_path=found, args=arguments)
    with guarded(named) as port, closing(browser):
        page = browser.new_page()
        sent: list[dict[str, str]] = []
        page.on("request", lambda request: sent.append(request.all_headers()))
        page.goto(f"http://reader.example:{port}/login?next=/whoami")
        fill_in(page, READER, PASSWORD)
        page.wait_for_url(re.compile("^[^?]*/whoami$"))
        assert READER in page.inner_text("body")
        assert "sec-fetch-site" not in sent[1]
        assert sent[1]["origin"] == f"http://reader.example:{port}"
        page.goto("about:blank")
        # A stranger's page, with the reader signed in.
        page.set_content(
            f"<form method=post action=http://reader.example:{port}/logout><button>x</form>"
        )
        page.click("button")
        page.wait_for_load_state()
        assert "came from another site" in page.inner_text("body")
        assert page.goto(f"http://stranger.example:{port}/whoami").status == 421  # type: ignore[union-attr]
