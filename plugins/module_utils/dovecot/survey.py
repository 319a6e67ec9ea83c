# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find out what a request would change in the Dovecot of this host (effects: reads files, asks doveconf and postconf)."""

from __future__ import annotations

import grp
import os
import pwd
import ssl
import stat
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.hardened.mail.plugins.module_utils.dovecot import (
    config_text,
    doveconf_output,
    drop_in,
    hashing,
    runner,
    tree,
    user_list,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_choices import (
    DovecotChoices,
    SocketChoice,
    validate,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_databases import (
    databases,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_resolve import (
    DovecotHost,
    Line,
    normal,
    resolve,
)
from ansible_collections.hardened.mail.plugins.module_utils.policy.dovecot_view import DovecotView
from ansible_collections.hardened.mail.plugins.module_utils.policy.profiles import ChoiceError
from ansible_collections.hardened.mail.plugins.module_utils.postfix import files
from ansible_collections.hardened.mail.plugins.module_utils.postfix import runner as postfix_runner

_OLDEST: t.Final = (2, 3, 0)
_PLAIN_NAME: t.Final = "hardened-mail.conf"
_SECRETS: t.Final = ("sql", "ldap", "secrets")
#: Stands for a hash that check mode does not make.
PENDING: t.Final = "new"


class RequestProblem(Exception):
    """The request cannot be carried out on this host; the message ends with whether anything was changed."""


class DovecotBroken(Exception):
    """Dovecot does not take its configuration as it is; the message is its own."""


@dataclass(frozen=True)
class Request:
    """What a task asks for. ``socket`` has no place yet: its path may be relative to Postfix's queue directory."""

    choices: DovecotChoices
    config_file: str = "/etc/dovecot/dovecot.conf"
    postfix_directory: str = "/etc/postfix"
    socket: t.Optional[SocketChoice] = None
    users: tuple[user_list.User, ...] = ()
    hashed_with: str = "auto"
    certificate_check: str = "error"
    apply: bool = True
    activate: str = "auto"
    probe: bool = True
    check_mode: bool = False


@dataclass(frozen=True)
class Change:
    """One thing that differs: a setting in a place, a section that is switched off, a user."""

    place: str
    name: str
    before: t.Optional[str]
    after: t.Optional[str]


@dataclass(frozen=True)
class Survey:
    """What there is, and what is going to be.

    ``texts`` are the new texts of configuration files, None for one that goes; ``changes`` all files to
    replace. ``upgraded`` is whether Dovecot took its configuration only without our file.
    """

    choices: DovecotChoices
    host: DovecotHost
    view: DovecotView
    tree: tree.Tree
    lines: tuple[Line, ...]
    place: str
    texts: t.Mapping[str, t.Optional[str]]
    changes: tuple[files.FileChange, ...]
    told: tuple[Change, ...]
    warnings: tuple[str, ...] = ()
    upgraded: bool = False


@dataclass
class _Users:
    """What becomes of the file of users."""

    names: tuple[str, ...] = ()
    changes: list[files.FileChange] = field(default_factory=list)
    told: list[Change] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def read(request: Request) -> Survey:
    """Return the survey of a request.

    Raises runner.DovecotMissing, DovecotBroken, RequestProblem, files.FileProblem, user_list.UserProblem,
    hashing.HashingFailed and profiles.ChoiceError.
    """
    runner.doveconf()
    if not os.path.isfile(request.config_file):
        raise RequestProblem(
            f"config_file {request.config_file} is not a file of this host. Nothing was changed."
        )
    sources = tree.read(request.config_file)
    place = _place(sources)
    view, upgraded = _view(request, sources, place=place)
    warnings: list[str] = []
    choices = replace(request.choices, socket=_socket(request, warnings=warnings))
    validate(choices)
    host = DovecotHost(
        version=view.version,
        tls_library=t.cast(t.Any, ssl.OPENSSL_VERSION_INFO[:2]),
        protocols=view.protocols,
        username_chars=view.value("auth_username_chars"),
    )
    users = _users(request, view)
    chosen = databases(choices, new=host.new, directory=sources.directory)
    lines = (*resolve(choices, host, user_names=users.names), *chosen.lines)
    texts = _texts(sources, choices, lines=lines, place=place, secrets=chosen.secrets)
    if choices.passdb == "passwd_file" and not users.names:
        _somebody_gets_in({**sources.texts, **texts}, place=place)
    changes = [_file_change(path, text) for path, text in texts.items()]
    changes = [one for one in changes if one.before != one.after or _too_open(one)]
    return Survey(
        choices=choices,
        host=host,
        view=view,
        tree=sources,
        lines=lines,
        place=place,
        texts=texts,
        changes=(*changes, *users.changes),
        told=(*_told(sources, view, lines=lines, place=place, texts=texts), *users.told),
        warnings=(*warnings, *users.warnings, *_readable_mail(view)),
        upgraded=upgraded,
    )


def _readable_mail(view: DovecotView) -> t.Iterator[str]:
    """Yield what is to be said of ports of LMTP on which mail may come in readable."""
    for port in view.mail_ports:
        if not port.implicit_tls and not port.local:
            yield (
                f"Dovecot offers STARTTLS on port {port.port} (LMTP) and cannot demand it: ssl = required is for "
                "logins. Set lmtp_tls_security_level in the Postfix that delivers there, or say ssl = yes in that "
                "inet_listener (and lmtp_tls_wrappermode = yes in Postfix), or listen on 127.0.0.1."
            )


def _place(sources: tree.Tree) -> str:
    """Return where our file is: among the others where those are included by pattern, else beside the main file."""
    usual = os.path.join(sources.directory, drop_in.NAME)
    if os.path.isdir(os.path.dirname(usual)) and sources.includes(usual):
        return usual
    return os.path.join(sources.directory, _PLAIN_NAME)


def ask(config_file: str) -> tuple[runner.Said, DovecotView]:
    """Return what doveconf says of a configuration. Raises DovecotBroken with its words."""
    try:
        said = runner.ask(config_file)
    except runner.DoveconfSilent as error:
        raise DovecotBroken(str(error)) from error
    messages = doveconf_output.messages(said.stderr)
    fatal = next((one for one in messages if one.kind == "Fatal"), None)
    if said.status != 0 or fatal:
        place = f"{fatal.file} line {fatal.line}: " if fatal and fatal.file else ""
        raise DovecotBroken(
            f"{place}{fatal.text}" if fatal else f"doveconf ended with status {said.status}"
        )
    try:
        head = doveconf_output.header(said.explicit)
        explicit = doveconf_output.parse(said.explicit)
        everything = doveconf_output.parse(said.everything)
    except doveconf_output.DoveconfSyntaxError as error:
        raise DovecotBroken(f"this is not what doveconf prints: {error}") from error
    return said, DovecotView(head.version, head.file, everything, explicit, messages=messages)


def _view(request: Request, sources: tree.Tree, *, place: str) -> tuple[DovecotView, bool]:
    """Return the present configuration, and whether Dovecot takes it only without our file.

    After an upgrade of Dovecot from 2.3 to 2.4 our own file is in the wrong words, and is written anew.
    """
    try:
        view = ask(request.config_file)[1]
    except DovecotBroken as broken:
        if place not in sources.texts:
            raise
        with files.private_directory() as directory:
            main = tree.stage(sources, {place: None}, directory=os.path.join(directory, "without"))
            try:
                view = ask(main)[1]
            except DovecotBroken:
                raise broken from None
        return view, True
    if view.version < _OLDEST:
        raise RequestProblem(
            f"This is Dovecot {'.'.join(map(str, view.version))}, and 2.3 is the oldest that is known here. "
            "Nothing was changed."
        )
    return view, False


def _socket(request: Request, *, warnings: list[str]) -> t.Optional[SocketChoice]:
    """Return the login socket with its place and its owner."""
    wanted = request.socket
    if wanted is None:
        return None
    try:
        done = postfix_runner.run(
            [
                postfix_runner.command("postconf"),
                *("-c", request.postfix_directory, "-h", "queue_directory", "mail_owner"),
            ]
        )
    except postfix_runner.PostfixMissing:
        told = (
            f"Postfix is not installed on this host, and its login socket {wanted.path} was asked for; "
            "install it first, or set postfix_socket to an empty text"
        )
        if request.check_mode:
            warnings.append(f"{told}.")
            return None
        raise RequestProblem(f"{told}. Nothing was changed.") from None
    answers = done.stdout.splitlines()
    if done.status != 0 or len(answers) != 2:
        raise RequestProblem(
            f"postconf -c {request.postfix_directory}: {done.stderr.strip() or 'no answer'}. Nothing was changed."
        )
    path = os.path.join(answers[0], wanted.path)
    if not os.path.isdir(os.path.dirname(path)):
        raise RequestProblem(
            f"The directory {os.path.dirname(path)} for Postfix's login socket does not exist: start Postfix once, "
            "which makes its queue directory, or name another socket. Nothing was changed."
        )
    owner = wanted.owner or answers[1]
    try:
        group = wanted.group or grp.getgrgid(pwd.getpwnam(owner).pw_gid).gr_name
        pwd.getpwnam(owner)
        grp.getgrnam(group)
    except KeyError as error:
        raise RequestProblem(
            f"The login socket cannot belong to {owner}: {error.args[0]}. Nothing was changed."
        ) from error
    return SocketChoice(path, owner, group, wanted.mode)


# ---- The configuration files ---------------------------------------------------------------------


def _texts(
    sources: tree.Tree,
    choices: DovecotChoices,
    *,
    lines: t.Sequence[Line],
    place: str,
    secrets: t.Mapping[str, str],
) -> dict[str, t.Optional[str]]:
    """Return the text of every file that may change, changed or not; None for one that is not to be."""
    texts: dict[str, t.Optional[str]] = {}
    for path, text in sources.texts.items():
        if path != place and path.startswith(sources.directory + "/"):
            texts[path] = _without_others(text, choices)
    named = {name: f"{sources.directory}/hardened-mail-{name}.conf.ext" for name in _SECRETS}
    for name, path in named.items():
        if secrets.get(name) or os.path.exists(path):
            texts[path] = secrets.get(name)
    shown = [named["secrets"]] if "secrets" in secrets else []
    texts[place] = drop_in.render(lines, includes=shown)
    main = texts.get(sources.main)
    if main is not None and not sources.includes(place):
        texts[sources.main] = f"{main.rstrip()}\n\n!include {os.path.basename(place)}\n"
    return texts


def _without_others(text: str, choices: DovecotChoices) -> str:
    """Return the text with the databases switched off that are not the chosen ones, and those on that may be."""
    whole = config_text.switched_on(text)
    off = [
        one
        for one in config_text.sections(whole)
        if (
            one.kind == "passdb"
            and _unwanted(one.driver, one.name, choices)
            and not one.says("deny")
        )
        or (one.kind == "userdb" and choices.userdb != "existing")
    ]
    return config_text.switched_off(whole, off)


def _unwanted(driver: str, name: str, choices: DovecotChoices) -> bool:
    kept = {*choices.keep_passdbs}
    return choices.passdb != "existing" and driver not in kept and (not name or name not in kept)


def _somebody_gets_in(texts: t.Mapping[str, t.Optional[str]], *, place: str) -> None:
    """Raise ChoiceError when no database of the site stays that lets people in beside an empty file of users."""
    for path, text in texts.items():
        for one in config_text.sections(text or "") if path != place else ():
            if one.kind == "passdb" and not one.says("deny") and not one.says("master"):
                return
    raise ChoiceError(
        "users is empty and passdb is passwd_file: nobody could log in, and who is in the file now would be taken out. "
        "Name the users, or in keep_passdbs a database of the site that stays on, or choose another passdb"
    )


def other_databases(found: Survey, view: DovecotView) -> list[str]:
    """Return the databases that *view* has beside the chosen ones, and the chosen ones that it lacks."""
    wanted = drop_in.databases(found.lines)
    told = []
    for kind in ("passdb", "userdb"):
        if kind not in wanted:
            continue
        blocks = [(one, "") for one in view.explicit.children(kind)]
        for title, narrowed in view.explicit.filters():
            blocks += [(one, f" in {title}") for one in narrowed.children(kind)]
        ours = [one for one, where in blocks if not where and drop_in.is_ours(one, wanted[kind])]
        if not ours:
            told.append(f"the {kind} {wanted[kind]['driver']} is not there as it was meant")
        for block, where in blocks:
            driver = view.setting(block, "driver") or block.value("driver") or block.name
            harmless = kind == "passdb" and (
                view.setting(block, "deny") == "yes"
                or not _unwanted(driver, block.name, found.choices)
            )
            if block not in ours and not harmless:
                told.append(f"the {kind} {block.name or driver}{where} is active as well")
    return told


def _file_change(path: str, text: t.Optional[str]) -> files.FileChange:
    before = files.read_bytes(path)
    after = None if text is None else text.encode("utf-8", "surrogateescape")
    if path.endswith(".conf.ext") and os.path.basename(path).startswith("hardened-mail-"):
        return files.FileChange(path, before, after, mode=0o600, group=0, ours=True)
    return files.FileChange(path, before, after)


def _too_open(change: files.FileChange) -> bool:
    """Return whether a file of ours is readable for more than it should be."""
    if not change.ours or change.after is None:
        return False
    try:
        found = os.stat(change.path)
    except OSError:
        return False
    return (stat.S_IMODE(found.st_mode), found.st_uid) != (
        change.mode,
        0,
    ) or found.st_gid != change.group


def _told(
    sources: tree.Tree,
    view: DovecotView,
    *,
    lines: t.Sequence[Line],
    place: str,
    texts: t.Mapping[str, t.Optional[str]],
) -> t.Iterator[Change]:
    """Yield what differs, setting by setting and section by section."""
    old = {
        (item.sections, item.name): item.value.strip('"')
        for item in config_text.items(sources.texts.get(place, ""))
        if item.kind == "setting"
    }
    new = {(line.section, line.name): line.value for line in lines}
    for key, value in new.items():
        if old.get(key) != value:
            before = old.get(key)
            if before is None and not key[0]:
                before = view.value(key[1]) or None
            if before is not None and normal(before) == normal(value):
                continue
            yield Change(" ".join((place, *key[0])), key[1], before, value)
    for key, value in old.items():
        if key not in new:
            yield Change(" ".join((place, *key[0])), key[1], value, None)
    for path, text in texts.items():
        if path != place and text is not None and path in sources.texts:
            yield from _switched(path, sources.texts[path], text)


def _switched(path: str, before: str, after: str) -> t.Iterator[Change]:
    was, now = config_text.sections(before), config_text.sections(after)
    for one in was:
        if one not in now:
            yield Change(path, f"{one.kind} {one.name or one.driver}", "on", "off")
    for one in now:
        if one not in was:
            yield Change(path, f"{one.kind} {one.name or one.driver}", "off", "on")


# ---- The users -----------------------------------------------------------------------------------


def seals_path(config_file: str) -> str:
    """Return where the seals of the users are kept."""
    return os.path.join(files.state_directory(os.path.dirname(config_file)), "users.json")


def _users(request: Request, view: DovecotView) -> _Users:
    """Return what becomes of the file of users."""
    path, kept = request.choices.users_file, seals_path(request.config_file)
    before = files.read_bytes(path)
    found = _Users()
    if request.choices.passdb != "passwd_file":
        if before is not None and before.startswith(user_list.HEADER.encode()):
            found.changes = [files.FileChange(path, before, None)]
            found.told = [Change(path, "users", "there", None)]
        return found
    if before is not None and not before.startswith(user_list.HEADER.encode()):
        raise RequestProblem(
            f"{path} was not written by this collection, and its users would be lost: name another users_file, or "
            "remove it. Nothing was changed."
        )
    form = view.value("auth_username_format")
    users = user_list.checked(request.users, lower="L" in form or "lower" in form)
    found.names = tuple(user.name for user in users)
    text = (before or b"").decode("utf-8", "surrogateescape")
    sealed = files.read_bytes(kept)
    change = files.FileChange(
        path, before, before, mode=0o640, group=_dovecot_group(view), ours=True
    )
    seals = user_list.load_seals(sealed)
    if before is not None and user_list.unchanged(users, text=text, seals=seals):
        found.changes = [change] if _too_open(change) else []
        return found
    hashes, found.warnings = _hashes(request, users, text=text, seals=seals)
    after = user_list.render(hashes)
    found.told = _told_of_users(path, user_list.parse(text), hashes)
    if not request.check_mode and request.apply:
        still = {
            name: hashes[name] for name in hashes if user_list.parse(text).get(name) == hashes[name]
        }
        known = user_list.Seals(users={name: s for name, s in seals.users.items() if name in still})
        new = user_list.dump_seals(user_list.seals_of(users, text=after, known=known))
        found.changes.append(files.FileChange(kept, sealed, new, mode=0o600, group=0, ours=True))
    if after != text:
        found.changes.insert(0, replace(change, after=after.encode("utf-8", "surrogateescape")))
    return found


def _dovecot_group(view: DovecotView) -> int:
    """Return the group of the processes that read the file."""
    user = view.value("default_internal_user") or "dovecot"
    try:
        return pwd.getpwnam(user).pw_gid
    except KeyError as error:
        raise RequestProblem(
            f"Dovecot's own account {user} does not exist on this host. Nothing was changed."
        ) from error


def _hashes(
    request: Request, users: t.Sequence[user_list.User], *, text: str, seals: user_list.Seals
) -> tuple[dict[str, str], list[str]]:
    """Return the hash of every user in the order of the list, those that still fit as they are."""
    has = hashing.schemes()
    user_list.checked(users, lower=False, schemes=has)
    fit = user_list.kept(users, text=text, seals=seals)
    scheme = hashing.scheme_for(request.hashed_with, has=has)
    fit = {
        name: value
        for name, value in fit.items()
        if request.hashed_with == "auto" or value.startswith(f"{{{scheme}}}")
    }
    needed = {user.name: user.password for user in users if user.password and user.name not in fit}
    if request.check_mode or not request.apply:
        made = dict.fromkeys(needed, f"{{{scheme}}}{PENDING}")
    else:
        made = hashing.hashes(needed, scheme=scheme)
    warnings = [
        f"users: the hash of {user.name} has the weak scheme {user.hash.partition('}')[0][1:]}"
        for user in users
        if user.hash and user_list.is_weak(user.hash)
    ]
    return {
        user.name: user.hash or fit.get(user.name) or made[user.name] for user in users
    }, warnings


def _told_of_users(
    path: str, before: t.Mapping[str, str], after: t.Mapping[str, str]
) -> list[Change]:
    def scheme(value: t.Optional[str]) -> t.Optional[str]:
        return None if value is None else value.partition("}")[0].lstrip("{")

    return [
        Change(path, name, scheme(before.get(name)), scheme(after.get(name)))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


__all__ = (
    "PENDING",
    "Change",
    "DovecotBroken",
    "Request",
    "RequestProblem",
    "Survey",
    "ask",
    "other_databases",
    "read",
    "seals_path",
)
