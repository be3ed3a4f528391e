"""Who works at the lots: accounts, passwords, second factors, and the sessions of their browsers.

A password is kept as argon2id, a session's token as SHA-256. Who is not known is refused as slowly and in the same
words as whoever has the wrong password.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from taigan.clock import Clock
from taigan.lot.people.by import By
from taigan.lot.policy import Policy
from taigan.rights import Grant, Holder, Right, Role, rights_of
from taigan.storage.changes import Changes
from taigan.storage.database import Database
from taigan.storage.rows import Act
from taigan.storage.setup import registry, staff
from taigan.storage.setup.staff import EVERYWHERE, Given, Link, Person, Session
from taigan.web.console.signing.elsewhere import Flow, Identity, Provider
from taigan.web.console.signing.guesses import Guesses

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
LONGEST_NAME = 32
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200
SEEN_EVERY = timedelta(minutes=1)
"""A session's last use is noted no more often than this."""
AT_ONCE = 2
"""So many passwords are worked out at a time: each takes 64 MiB and all of a core."""
CONSOLE, OIDC = "console", "oidc"
"""Through what somebody was let in, in the records: their password, or a provider that vouched for them."""
SIGN_IN_STEP = 30
"""Seconds for which a code of the second factor is shown (RFC 6238)."""


if TYPE_CHECKING:
    from argon2 import PasswordHasher


class BadAccount(ValueError):
    """An account cannot be as it is wanted; `field` says what of it is wrong."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class Refused(Exception):
    """Somebody is not let in: `wrong` name, password or code; too many tries, `wait` seconds are left."""

    def __init__(self, wait: int = 0) -> None:
        super().__init__(wait)
        self.wait = wait


class Unlinked(Exception):
    """Nobody is let in by that account elsewhere."""


class Signed(msgspec.Struct):
    """A person with the browser they came with, and what they may."""

    person: Person
    session: Session
    holder: Holder
    roles: frozenset[str]


class Accounts:
    """One per process."""

    def __init__(self, database: Database, clock: Clock, policy: Policy, hasher: PasswordHasher | None = None) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy
        self._of_login, self._of_address = Guesses(clock, free=5, longest=60), Guesses(clock, free=30, longest=60)
        self._working = asyncio.Semaphore(AT_ONCE)
        self._nobody = ""
        self._hasher = hasher

    async def create(self, login: str, name: str, password: str, *, by: By | str, must_change: bool = True) -> Person:
        """Make an account. Raises BadAccount."""
        name = name.strip()
        if not LOGIN.fullmatch(login):
            raise BadAccount("2 to 32 small letters, digits and . _ -, beginning with a letter or digit", "login")
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise BadAccount(f"1 to {LONGEST_NAME} printable characters", "name")
        check_password(password, login)
        now = self._clock.now()
        person = Person(login, name, await self._hash(password), must_change, "", 0, now)

        def transaction(conn: sa.Connection) -> str:
            if taken := staff.add(conn, person):
                return taken
            _note(conn, "", now, by, f"person {login} ({name}) created")
            return ""

        if taken := await self._database.write(transaction):
            raise BadAccount("another person has it", taken)
        return person

    async def listed(self) -> list[tuple[Person, list[Given]]]:
        """Every account by name, with its grants."""

        def read(conn: sa.Connection) -> list[tuple[Person, list[Given]]]:
            given = staff.grants(conn)
            return [(person, [one for one in given if one.login == person.login]) for person in staff.persons(conn)]

        return await self._database.read(read)

    async def find(self, login: str) -> tuple[Person, list[Given]] | None:
        """One account with its grants."""

        def read(conn: sa.Connection) -> tuple[Person, list[Given]] | None:
            person = staff.person(conn, login)
            return None if person is None else (person, staff.grants_of(conn, login))

        return await self._database.read(read)

    async def check_lots(self, lots: Collection[str]) -> None:
        """Raise BadAccount unless there are all these lots."""
        known = {lot.lot_id for lot in await self._database.read(registry.lots)}
        if missing := [lot_id for lot_id in lots if lot_id not in known]:
            raise BadAccount(f"there is no lot {', '.join(missing)}", "lot")

    async def give(self, login: str, role: Role, lots: Collection[str], *, by: By | str) -> None:
        """Give a role in these lots; in none: in all of them. Raises BadAccount for a lot that is not there."""
        now = self._clock.now()

        def transaction(conn: sa.Connection) -> None:
            for lot_id in lots or (EVERYWHERE,):
                if staff.give(conn, Given(login, role.value, lot_id, _by(by).operator, now)):
                    _note(conn, lot_id, now, by, f"person {login} given {role.value} in {lot_id or 'all'}")

        await self.check_lots(lots)
        await self._database.write(transaction)

    async def take(self, login: str, role: str, lot_id: str, *, by: By | str) -> bool:
        """Take a role back. Tells whether there was one."""
        now = self._clock.now()

        def transaction(conn: sa.Connection) -> bool:
            if not staff.take(conn, login, role, lot_id):
                return False
            _note(conn, lot_id, now, by, f"person {login} no longer {role} in {lot_id or 'all'}")
            return True

        return await self._database.write(transaction)

    async def disable(self, login: str, disabled: bool, *, by: By | str) -> bool:
        """Let nobody in by that account from now on, or again. Tells whether there is one."""
        now = self._clock.now()

        def transaction(conn: sa.Connection) -> bool:
            if staff.person(conn, login) is None:
                return False
            staff.change(conn, login, disabled_at=now if disabled else None)
            staff.end_sessions(conn, login)
            _note(conn, "", now, by, f"person {login} {'disabled' if disabled else 'enabled'}")
            return True

        return await self._database.write(transaction)

    async def reset(self, login: str, password: str, *, by: By | str) -> bool:
        """Give another password, take the second factor, every session and every account elsewhere away. Tells whether
        there is an account.

        Raises BadAccount.
        """
        check_password(password, login)
        hashed, now = await self._hash(password), self._clock.now()

        def transaction(conn: sa.Connection) -> bool:
            if staff.person(conn, login) is None:
                return False
            staff.change(conn, login, password=hashed, must_change=True, totp_secret="", disabled_at=None)
            staff.end_sessions(conn, login)
            staff.unlink(conn, login)
            _note(conn, "", now, by, f"person {login} reset")
            return True

        return await self._database.write(transaction)

    async def sign_in(self, login: str, password: str, address: str) -> str:
        """Open a session and return its token: what the cookie holds. Raises Refused."""
        login, place = login.strip().lower()[:64], address or "-"
        self._unless_too_many(login, address)
        person = await self._database.read(lambda conn: staff.person(conn, login))
        kept = person.password if person is not None else await self._nobodys_password()
        right, token = await self._verify(kept, password, login, address), new_token()

        def transaction(conn: sa.Connection) -> bool:
            found = staff.held(conn, login)
            if not right or found is None or found.disabled_at is not None or found.password != kept:
                name = person.name if person is not None else ""
                self._note_sign_in(conn, name, login, f"was not let in from {place}")
                return False
            self._open(conn, found, token, f"signed in from {place}")
            return True

        if not await self._database.write(transaction):
            if right:
                self._note_wrong(login, address)
            raise Refused
        self._of_login.right(login)
        return token

    async def enter(self, identity: Identity, address: str) -> str:
        """Open a session for whom a provider vouches for, and return its token. The second factor is asked for as after
        a password. Raises Unlinked, and Refused for who is disabled."""
        token, issuer, subject = new_token(), identity.issuer, identity.subject
        place = f"from {address or '-'} by account {subject} at {issuer}"

        def transaction(conn: sa.Connection) -> Person | None:
            link = staff.linked(conn, issuer, subject)
            person = staff.held(conn, link.login) if link is not None else None
            if person is None or staff.linked(conn, issuer, subject) is None:
                self._note_sign_in(conn, "", "-", f"was not let in {place}", OIDC)
                return None
            if person.disabled_at is not None:
                self._note_sign_in(conn, person.name, person.login, f"was not let in {place}", OIDC)
            else:
                self._open(conn, person, token, f"signed in {place}", issuer)
            return person

        person = await self._database.write(transaction)
        if person is None or person.disabled_at is not None:
            self.note_failed(address)
            raise Unlinked if person is None else Refused
        return token

    def unless_too_many(self, address: str) -> None:
        """Raise Refused while an address has to wait."""
        self._unless_too_many("", address)

    def note_failed(self, address: str) -> None:
        """Note that an address came back from a provider with nothing."""
        if address:
            self._of_address.wrong(address)

    async def prove(self, signed: Signed, password: str) -> None:
        """Whoever sits there is the person who signed in, as their password shows once more. Raises Refused."""
        login = signed.person.login
        self._unless_too_many(login, "")
        if not await self._verify(signed.person.password, password, login):
            raise Refused
        self._of_login.right(login)

    async def begin_link(self, signed: Signed, flow: Flow) -> None:
        """A person wants to be let in by an account elsewhere from now on."""
        await self._database.write(lambda conn: staff.begin_linking(conn, signed.session.digest, flow.digest))

    async def end_link(self, signed: Signed, identity: Identity, flow: Flow) -> None:
        """They came back from there. Raises Refused where that was not asked for in this session, BadAccount."""
        login, by = signed.person.login, _self(signed.person)

        def transaction(conn: sa.Connection) -> str:
            staff.held(conn, login)
            if flow.linking != login or not staff.end_linking(conn, signed.session.digest, flow.digest):
                return "session"
            return self._link(conn, login, identity, by)

        _unless_against(await self._database.write(transaction), login)

    async def link(self, login: str, identity: Identity, *, by: By | str) -> None:
        """Let a person in by an account elsewhere. Raises BadAccount: it is somebody's already (`subject`), they have
        another one there, or there is no such person (`login`)."""

        def transaction(conn: sa.Connection) -> str:
            return "nobody" if staff.held(conn, login) is None else self._link(conn, login, identity, by)

        _unless_against(await self._database.write(transaction), login)

    async def unlink(self, login: str, issuer: str = "", *, by: By | str, but: bytes = b"") -> bool:
        """Let a person in no longer by their account at one provider, or at any; sessions that were opened that way
        end, except one. Tells whether there was one."""
        now = self._clock.now()

        def transaction(conn: sa.Connection) -> bool:
            staff.held(conn, login)  # or somebody might be let in between the two
            if not staff.unlink(conn, login, issuer):
                return False
            staff.end_vouched(conn, login, issuer, but)
            _note(conn, "", now, by, f"person {login} unlinked")
            return True

        return await self._database.write(transaction)

    async def link_at(self, provider: Provider | None, login: str) -> Link | None:
        """A person's account at a provider."""
        if provider is None:
            return None
        links = await self._database.read(lambda conn: staff.links_of(conn, login))
        return next((one for one in links if one.issuer == provider.issuer), None)

    async def links(self) -> list[Link]:
        """Everybody's accounts elsewhere."""
        return await self._database.read(staff.links)

    async def confirm(self, token: str, code: str, address: str) -> None:
        """The second factor of a session that is not whole. Raises Refused."""
        signed = await self.signed(token)
        if signed is None or signed.session.whole:
            raise Refused
        login = signed.person.login
        self._unless_too_many(f"code {login}", address)
        step = _step_of(signed.person.totp_secret, code, self._clock.now().timestamp())
        if step is None:  # at once: who comes beside it is to meet it
            self._note_wrong(f"code {login}", address)
        name, place = signed.person.name, address or "-"
        way = OIDC if signed.session.issuer else CONSOLE

        def transaction(conn: sa.Connection) -> bool:
            right = step is not None and staff.use_step(conn, login, step)
            if right:
                staff.see_session(conn, signed.session.digest, self._clock.now(), whole=True)
            said = "signed in" if right else "was not let in"
            self._note_sign_in(conn, name, login, f"{said} from {place}", way)
            return right

        if not await self._database.write(transaction):
            if step is not None:
                self._note_wrong(f"code {login}", address)
            raise Refused
        self._of_login.right(f"code {login}")

    async def signed(self, token: str, *, present: bool = False) -> Signed | None:
        """Whose token that is; None: nobody's, or no longer. `present`: the person did something just now."""
        if not token:
            return None
        digest, now = digest_of(token), self._clock.now()

        def read(conn: sa.Connection) -> Signed | None:
            session = staff.session(conn, digest)
            person = staff.person(conn, session.login) if session is not None else None
            if session is None or person is None or person.disabled_at is not None:
                return None
            grants = staff.grants_of(conn, person.login)
            return Signed(person, session, holder_of(person, grants), frozenset(one.role for one in grants))

        found = await self._database.read(read)
        if found is None or self._is_over(found.session):
            return None
        if present and now - found.session.seen_at > SEEN_EVERY:
            await self._database.write(lambda conn: staff.see_session(conn, digest, now))
        return found

    async def sign_out(self, token: str) -> None:
        """End a session."""
        digest, now = digest_of(token), self._clock.now()

        def transaction(conn: sa.Connection) -> None:
            session = staff.session(conn, digest)
            person = staff.person(conn, session.login) if session is not None else None
            staff.end_session(conn, digest)
            if person is not None:
                _note(conn, "", now, _self(person), f"person {person.login} signed out")

        await self._database.write(transaction)

    async def change_password(self, signed: Signed, before: str, password: str) -> None:
        """A person chooses a password. Their other browsers are signed out. Raises Refused, BadAccount."""
        login = signed.person.login
        await self.prove(signed, before)
        check_password(password, login)
        if before == password:
            raise BadAccount("it is the one that you have", "password")
        hashed = await self._hash(password)

        def transaction(conn: sa.Connection) -> bool:
            if not _still_signed_in(conn, signed):
                return False
            staff.change(conn, login, password=hashed, must_change=False)
            staff.end_sessions(conn, login, but=signed.session.digest)
            _note(conn, "", self._clock.now(), _self(signed.person), f"person {login} changed the password")
            return True

        if not await self._database.write(transaction):
            raise Refused

    async def set_second_factor(self, signed: Signed, secret: str, code: str) -> None:
        """Ask for a code at each sign-in from now on; `code` shows that the phone has the secret. Raises Refused."""
        login = signed.person.login
        self._unless_too_many(f"code {login}", "")
        step = _step_of(secret, code, self._clock.now().timestamp())
        if step is None:
            self._note_wrong(f"code {login}", "")
            raise Refused

        def transaction(conn: sa.Connection) -> bool:
            if not _still_signed_in(conn, signed):
                return False
            staff.change(conn, login, totp_secret=secret, totp_step=step)
            _note(conn, "", self._clock.now(), _self(signed.person), f"person {login} set up the second factor")
            return True

        if not await self._database.write(transaction):
            raise Refused

    def needs_second_factor(self, signed: Signed) -> bool:
        """Whether one of the person's roles needs a second factor that they have not set up."""
        return not signed.person.totp_secret and not signed.roles.isdisjoint(self._policy.second_factor)

    async def grants_of(self, login: str) -> list[Given]:
        """What a person was given."""
        return await self._database.read(lambda conn: staff.grants_of(conn, login))

    def _is_over(self, session: Session) -> bool:
        now, policy = self._clock.now(), self._policy
        lasts, idle = timedelta(seconds=policy.session_lasts), timedelta(seconds=policy.session_idle)
        return now - session.opened_at >= lasts or now - session.seen_at >= idle + SEEN_EVERY

    def _link(self, conn: sa.Connection, login: str, identity: Identity, by: By | str) -> str:
        """What stands against it, or nothing."""
        now = self._clock.now()
        wanted = Link(identity.issuer, identity.subject, login, identity.name, _by(by).operator, now)
        if against := staff.link(conn, wanted):
            return against
        _note(conn, "", now, by, f"person {login} linked to account {identity.subject} at {identity.issuer}")
        return ""

    def _open(self, conn: sa.Connection, person: Person, token: str, what: str, issuer: str = "") -> None:
        """Open a session of somebody who is held, and note it; one that lacks the second factor is noted later."""
        now, whole = self._clock.now(), not person.totp_secret
        staff.open_session(conn, Session(digest_of(token), person.login, now, now, whole, issuer))
        if whole:
            self._note_sign_in(conn, person.name, person.login, what, OIDC if issuer else CONSOLE)

    def _note_sign_in(self, conn: sa.Connection, name: str, login: str, what: str, way: str = CONSOLE) -> None:
        """Who came, or tried to. A login that cannot be one is not repeated: anybody types there what they like."""
        known = login if LOGIN.fullmatch(login) else "-"
        by = By(name or known, "-", f"{way}:{known}")
        _note(conn, "", self._clock.now(), by, f"person {known} {what}")

    def _unless_too_many(self, login: str, address: str) -> None:
        wait = max(self._of_login.wait(login) if login else 0, self._of_address.wait(address) if address else 0)
        if wait:
            raise Refused(wait)

    def _note_wrong(self, login: str, address: str) -> None:
        self._of_login.wrong(login)
        if address:
            self._of_address.wrong(address)

    @property
    def _passwords(self) -> PasswordHasher:
        """argon2id as RFC 9106 has it for servers with little memory: 64 MiB, three passes."""
        if self._hasher is None:
            from argon2 import PasswordHasher  # late: only who signs in needs it

            self._hasher = PasswordHasher()
        return self._hasher

    async def _nobodys_password(self) -> str:
        if not self._nobody:
            self._nobody = await self._hash(secrets.token_urlsafe(16))
        return self._nobody

    async def _hash(self, password: str) -> str:
        async with self._working:
            return await asyncio.to_thread(self._passwords.hash, password)

    async def _verify(self, hashed: str, password: str, login: str, address: str = "") -> bool:
        """Whether that is the password; a wrong one is noted. Raises Refused: whoever waited for their turn to be
        worked out meets the wrong ones of those before them, so that many at once are no more than one by one."""
        from argon2.exceptions import InvalidHashError, VerificationError

        def verify() -> bool:
            try:
                return self._passwords.verify(hashed, password[:LONGEST_PASSWORD])
            except (VerificationError, InvalidHashError):
                return False

        async with self._working:
            self._unless_too_many(login, address)
            right = await asyncio.to_thread(verify)
            if not right:
                self._note_wrong(login, address)
            return right


def check_password(password: str, login: str) -> None:
    """Raise BadAccount unless the password can be one: long enough, and not one of those tried first."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadAccount(f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters", "password")
    plain = password.lower()
    if len(set(plain)) < 5 or login in plain or plain in "0123456789012 qwertyuiop1 1qaz2wsx3edc password12":
        raise BadAccount("too easy to guess", "password")


def new_password() -> str:
    """A password to be told over the phone: four groups without signs that look alike."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _ in range(4)) for _ in range(4))


def new_token() -> str:
    """What a browser's cookie holds."""
    return secrets.token_urlsafe(32)


def new_secret() -> str:
    """A secret for an authenticator, in base32."""
    import pyotp

    return str(pyotp.random_base32())


def check_secret(secret: str) -> None:
    """Raise ValueError unless it can be a secret that we made."""
    if not re.fullmatch(r"[A-Z2-7]{32}", secret):
        raise ValueError("not a secret of ours")


def code_of_secret(secret: str, login: str) -> str:
    """The QR code that an authenticator scans, as SVG without a style of its own."""
    import pyotp
    import segno

    address = pyotp.TOTP(secret, name=login, issuer="taigan").provisioning_uri()
    return str(segno.make(address, error="m").svg_inline(scale=4, border=2, dark="#000", light="#fff"))


def holder_of(person: Person, grants: Collection[Given]) -> Holder:
    """What a person may, by their grants."""
    return Holder(
        person.name,
        tuple(
            Grant(rights_of([one.role], ()), None if one.lot_id == EVERYWHERE else frozenset({one.lot_id}))
            for one in grants
        ),
    )


def may_give(holder: Holder, role: Role, lot_id: str) -> bool:
    """Whether somebody may give a role there: they manage people there, and have every right of it themselves."""

    def has(right: Right) -> bool:
        return holder.may_everywhere(right) if lot_id == EVERYWHERE else holder.may(right, lot_id)

    return has(Right.STAFF_SET) and all(has(right) for right in role.rights)


def may_manage(holder: Holder, grants: Collection[Given]) -> bool:
    """Whether somebody may disable or reset whoever has these grants: they could have given each of them."""
    known = {role.value: role for role in Role}
    return all(one.role in known and may_give(holder, known[one.role], one.lot_id) for one in grants)


def digest_of(token: str) -> bytes:
    """What is kept of a session's token."""
    return hashlib.sha256(token.encode()).digest()


def form_token(token: str, login: str) -> str:
    """What our own pages send back with each form: whose page it is, and a proof that the page was theirs."""
    return f"{login}.{hmac.digest(token.encode(), f'form {login}'.encode(), 'sha256').hex()}"


def _step_of(secret: str, code: str, at: float) -> int | None:
    """The time step that a code belongs to: the present one, the one before, the one after."""
    import pyotp

    code = "".join(code.split())
    if not secret or not code.isascii():
        return None
    totp = pyotp.TOTP(secret, interval=SIGN_IN_STEP)
    now = int(at) // SIGN_IN_STEP
    for step in (now, now - 1, now + 1):
        if hmac.compare_digest(totp.generate_otp(step), code):
            return step
    return None


def _unless_against(against: str, login: str) -> None:
    """Raise what stands against linking an account."""
    match against:
        case "session":
            raise Refused
        case "nobody":
            raise BadAccount(f"there is no person {login}", "login")
        case "login":
            raise BadAccount(f"{login} is linked to another account there", "login")
        case "subject":
            raise BadAccount("that account is linked to somebody already", "subject")


def _still_signed_in(conn: sa.Connection, signed: Signed) -> bool:
    """Whether nobody has ended the session meanwhile; the account is held until the transaction ends."""
    staff.held(conn, signed.person.login)
    return staff.session(conn, signed.session.digest) is not None


def _self(person: Person) -> By:
    return By(person.name, "-", f"console:{person.login}")


def _by(by: By | str) -> By:
    """Who acts: a person at the console, or a command by its name."""
    return by if isinstance(by, By) else By(by, "-")


def _note(conn: sa.Connection, lot_id: str, at: datetime, by: By | str, act: str) -> None:
    who, changes = _by(by), Changes()
    changes.acts.append(Act(lot_id, at, who.operator, who.reason, act, who.via))
    changes.write(conn)
