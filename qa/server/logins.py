"""Who comes in: a session of the sign-in page, or a token; everybody else is sent there or away."""

import asyncio
import hashlib
import json
import logging
import math
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from index import UsersFileError
from qa.server.attempts import Attempts
from qa.server.credentials import Credential, CredentialsFile, a_name
from qa.server.headers import STRICT
from qa.server.login_page import going_on_page, sign_in_page, sign_out_page
from qa.server.login_words import LOGIN_WORDS
from qa.server.passwords import MOST_BYTES, is_right
from qa.server.refusals import Refusal, refuse
from qa.server.scopes import (
    address_of,
    header,
    is_navigation,
    path_in,
    reader_language,
    state_of,
)
from qa.server.sessions import DEVICE_DAYS, SessionStore
from qa.server.settings import ServerSettings
from qa.server.tokens import Tokens
from qa.server.visitors import Visitor, visitor_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

_logger = logging.getLogger("yinzheng")
_NUMBER = re.compile(r"[A-Za-z0-9_-]{43}")
_TARGET = re.compile(r"/[A-Za-z0-9/?&=:@!$'()*+,;~._%-]{0,2000}")
_OWN_PATHS = frozenset({"/login", "/logout", "/whoami"})
_AT_ONCE = 2  # passwords hashed at the same time: each takes 64 MiB and all of a core
_MOST_WAITING = 16


class People:
    """The users, the tokens and the sessions of one server."""

    def __init__(self, settings: ServerSettings) -> None:
        """Read the files.

        Raises:
            UsersFileError: one of them cannot be used.
            ServerSettingError: the sessions cannot be kept.
        """
        users, tokens = settings.users_file, settings.token_file
        self.settings = settings
        self.users = CredentialsFile(users, "users") if users else None
        self.tokens = Tokens(CredentialsFile(tokens, "tokens")) if tokens else None
        self.attempts = Attempts()
        self.sessions: SessionStore | None = None
        if users:
            self.sessions = SessionStore(
                settings.data_dir / "sessions.sqlite", idle_seconds=settings.session_hours * 3600
            )

    def close(self) -> None:
        """Close the file of sessions."""
        if self.sessions is not None:
            self.sessions.close()

    def visitor(self, scope: "Scope") -> Visitor | None:
        """Return who sent a request; None when it shows nothing that is valid.

        Raises:
            UsersFileError: the users or tokens can no longer be read.
        """
        if not self.settings.needs_login:
            return visitor_of(scope, self.settings)
        found = self._holder(scope) if shown_token(scope) else self._signed_in(scope)
        return Visitor(found.name, found.role) if found else None

    def user(self, name: str) -> Credential | None:
        """Return a user of the file as it is now."""
        return self.users.people().get(name) if self.users else None

    def _holder(self, scope: "Scope") -> Credential | None:
        if self.tokens is None:
            return None
        return self.tokens.holder(shown_token(scope), address_of(scope))

    def _signed_in(self, scope: "Scope") -> Credential | None:
        number = cookie(scope, session_cookie(scope))
        session = self.sessions.find(number) if self.sessions and number else None
        if session is None:
            return None
        user = self.user(session.name)
        if user is not None and user.fingerprint == session.fingerprint:
            return user
        if self.sessions:  # removed, or the password was changed
            self.sessions.end(number)
        return None


class Recognition:
    """Notes who sent a request."""

    def __init__(self, app: "ASGIApp", people: People) -> None:
        self._app = app
        self._people = people

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        if scope["type"] not in {"http", "websocket"} or path_in(scope) == "/healthz":
            await self._app(scope, receive, send)
            return
        try:
            visitor = self._people.visitor(scope)
            if visitor is not None:
                scope["state"]["visitor"] = visitor
            await self._app(scope, receive, send)
        except UsersFileError as error:  # read again at every request, also by the sign-in page
            _logger.error("%s", error)
            await refuse(Refusal(503, "users"), scope, receive, send)


class Gate:
    """Lets through whoever is known; shows people the way to the sign-in page."""

    def __init__(self, app: "ASGIApp", people: People) -> None:
        self._app = app
        self._people = people

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        if scope["type"] not in {"http", "websocket"} or self._is_open(scope):
            await self._app(scope, receive, send)
        elif self._people.users and is_navigation(scope) and not shown_token(scope):
            await _way_in(scope)(scope, receive, send)
        else:
            await refuse(self._refusal(scope), scope, receive, send)

    def _refusal(self, scope: "Scope") -> Refusal:
        tokens = self._people.tokens
        if tokens is not None and shown_token(scope):
            wait = math.ceil(tokens.wait(address_of(scope)))
            if wait:
                after = (b"retry-after", str(wait).encode())
                return Refusal(429, "wrong_tokens", (str(wait),), (after,))
        return _unauthorized(scope)

    def _is_open(self, scope: "Scope") -> bool:
        if "visitor" in state_of(scope):
            return True
        path = path_in(scope)
        return path == "/healthz" or (path == "/login" and self._people.users is not None)


class LoginPages:
    """Answers ``/login``, ``/logout`` and ``/whoami``."""

    def __init__(self, app: "ASGIApp", people: People) -> None:
        self._app = app
        self._people = people
        self._checking = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        if scope["type"] != "http" or path_in(scope) not in _OWN_PATHS:
            await self._app(scope, receive, send)
            return
        from starlette.requests import Request

        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: "Request") -> "Response":
        path = path_in(request.scope)
        if path == "/whoami":
            return self._who(request.scope)
        if self._people.users is None:
            return _see(request.scope, "/")
        if request.method == "POST":
            return await self._sign_in(request) if path == "/login" else self._sign_out(request)
        visitor = state_of(request.scope).get("visitor")
        language, root = reader_language(request.scope), request.scope.get("root_path", "")
        if path == "/login":
            target = a_target(request.query_params.get("next", "/"))
            if visitor:
                return _see(request.scope, target)
            return _html(sign_in_page(language, root=root, target=target))
        return _html(sign_out_page(language, root=root, name=visitor.name if visitor else ""))

    def _who(self, scope: "Scope") -> "Response":
        from starlette.responses import Response

        if not self._people.settings.needs_login:
            return Response(status_code=204)
        visitor: Visitor = scope["state"]["visitor"]
        body = {"name": visitor.name, "role": visitor.role}
        return Response(json.dumps(body, ensure_ascii=False), media_type="application/json")

    def _sign_out(self, request: "Request") -> "Response":
        scope = request.scope
        number = cookie(scope, session_cookie(scope))
        if self._people.sessions and number:
            self._people.sessions.end(number)
        response = _see(scope, "/login")
        response.headers.append("set-cookie", _cookie(scope, session_cookie(scope), "", age=0))
        return response

    async def _sign_in(self, request: "Request") -> "Response":
        fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
        typed, password, target = (fields.get(key, [""])[0] for key in ("name", "password", "next"))
        try:
            name = a_name(typed)
        except UsersFileError:
            name = ""
        language = reader_language(request.scope)
        alarm, status, wait = await self._check(request.scope, name, password)
        if not status:
            return self._welcome(request.scope, name, a_target(target))
        page = sign_in_page(
            language,
            root=request.scope.get("root_path", ""),
            target=a_target(target),
            name=typed[:64],
            alarm=LOGIN_WORDS[language][alarm].format(wait),
        )
        response = _html(page, status)
        if wait:
            response.headers["retry-after"] = str(wait)
        return response

    async def _check(self, scope: "Scope", name: str, password: str) -> tuple[str, int, int]:
        """Return what is wrong, as words, status and seconds to wait; status 0 when nothing is."""
        people, address = self._people, address_of(scope)
        browser = self._browser(scope, name)
        wait = people.attempts.wait(name, address, browser)
        if wait > 0:
            return "wait", 429, math.ceil(wait)
        if self._waiting >= _MOST_WAITING:
            return "busy", 503, 3
        # Counted before it is looked at: a hundred at once are not all looked at.
        people.attempts.failed(name, address, browser)
        if await self._is_right(name, password):
            people.attempts.succeeded(name, address, browser)
            return "", 0, 0
        _logger.warning(
            "A sign-in failed, tried from %s",
            address,
            extra={"journal": {"kind": "sign_in_failed", "address": address}},
        )
        return "wrong", 401, 0

    async def _is_right(self, name: str, password: str) -> bool:
        if len(password.encode()) > MOST_BYTES:
            return False
        user = self._people.user(name)
        self._waiting += 1
        try:
            async with self._checking:
                return await asyncio.to_thread(is_right, password, user.secret if user else None)
        finally:
            self._waiting -= 1

    def _browser(self, scope: "Scope", name: str) -> str | None:
        """Return the hash of the browser's number, if this person has signed in from it before."""
        number = cookie(scope, _device_cookie(scope))
        sessions = self._people.sessions
        if not (number and sessions and sessions.knows_device(number, name)):
            return None
        return hashlib.sha256(number.encode()).hexdigest()

    def _welcome(self, scope: "Scope", name: str, target: str) -> "Response":
        user, sessions = self._people.user(name), self._people.sessions
        response = _see(scope, target)
        if user is None or sessions is None:  # removed while the password was compared
            return response
        sessions.end(cookie(scope, session_cookie(scope)))
        number = sessions.begin(name, user.fingerprint)
        response.headers.append("set-cookie", _cookie(scope, session_cookie(scope), number))
        if self._browser(scope, name) is None:
            device = sessions.remember_device(name)
            age = DEVICE_DAYS * 86400
            kept = _cookie(scope, _device_cookie(scope), device, path="/login", age=age)
            response.headers.append("set-cookie", kept)
        scope["state"]["visitor"] = Visitor(name, user.role)  # for the log
        return response


def a_target(text: str) -> str:
    """Return a path of this server to go to after signing in; the first page for anything else."""
    if not _TARGET.fullmatch(text) or text.startswith(("//", "/login", "/logout")):
        return "/"
    return text


def shown_token(scope: "Scope") -> str:
    """Return the token that a program shows, or an empty text."""
    kind, _, token = header(scope, "authorization").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def cookie(scope: "Scope", name: str) -> str:
    """Return the number in a cookie; an empty text when there is none that could be one."""
    for pair in header(scope, "cookie").split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name and _NUMBER.fullmatch(value):
            return value
    return ""


def session_cookie(scope: "Scope") -> str:
    """Return the name of the cookie with the session."""
    # Cookies know no ports: two servers of one machine must not take each other's.
    return f"yinzheng-session-{_port(scope)}"


def _device_cookie(scope: "Scope") -> str:
    return f"yinzheng-browser-{_port(scope)}"


def _port(scope: "Scope") -> int:
    server = scope.get("server")
    return int(server[1] or 0) if server else 0


def _cookie(
    scope: "Scope", name: str, value: str, *, path: str = "/", age: int | None = None
) -> str:
    root = scope.get("root_path", "")
    # Without the slash at its end the path holds also for the first page of a sub-path.
    parts = [f"{name}={value}", f"Path={f'{root}{path}'.rstrip('/') or '/'}"]
    parts += ["HttpOnly", "SameSite=Strict"]
    if scope["scheme"] == "https":
        parts.append("Secure")
    if age is not None:
        parts.append(f"Max-Age={age}")
    return "; ".join(parts)


def _unauthorized(scope: "Scope") -> Refusal:
    token = shown_token(scope)
    said = b'Bearer realm="Yinzheng"' + (b', error="invalid_token"' if token else b"")
    return Refusal(401, "token" if token else "sign_in", headers=((b"www-authenticate", said),))


def _way_in(scope: "Scope") -> "Response":
    query = scope["query_string"].decode("latin-1")
    target = a_target(quote(path_in(scope)) + (f"?{query}" if query else ""))
    if header(scope, "sec-fetch-site") in {"cross-site", "same-site"}:
        # Behind a link on another site the browser keeps the cookie back. Ask again from here.
        root = scope.get("root_path", "")
        return _html(going_on_page(reader_language(scope), root=root, target=target))
    return _see(scope, f"/login?next={quote(target, safe='/')}" if target != "/" else "/login")


def _see(scope: "Scope", target: str) -> "Response":
    from starlette.responses import RedirectResponse

    return RedirectResponse(f"{scope.get('root_path', '')}{target}", status_code=303)


def _html(page: str, status: int = 200) -> "Response":
    from starlette.responses import HTMLResponse

    response = HTMLResponse(page, status)
    response.raw_headers.extend(STRICT)
    # With "no-referrer" the form would be sent with "Origin: null".
    response.headers["referrer-policy"] = "same-origin"
    return response
