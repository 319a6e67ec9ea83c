# Copyright (c) 2026, the hardened.mail authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which 32 octets can be a public key of Ed25519 (RFC 8032; pure).

A private key may be written as 32 octets too, and any octets can be one. Every second such text is no point of the curve, and of the
points one in eight is a multiple of the base point, as each public key is. So one private key in sixteen looks like a public one.
"""

from __future__ import annotations

import typing as t

# Section 5.1.
_PRIME: t.Final = 2**255 - 19
_D: t.Final = -121665 * pow(121666, _PRIME - 2, _PRIME) % _PRIME
_ROOT_OF_MINUS_ONE: t.Final = pow(2, (_PRIME - 1) // 4, _PRIME)
_ORDER: t.Final = 2**252 + 27742317777372353535851937790883648493

#: X, Y, Z and T, as in section 5.1.4.
_Point = tuple[int, int, int, int]
_NEUTRAL: t.Final[_Point] = (0, 1, 1, 0)


def is_point(octets: bytes) -> bool:
    """Return whether 32 octets stand for a point of the curve; quicker than looking for it."""
    sign, y = _read(octets)
    u, v = _square(y)
    # Euler's criterion: u / v is a square when u * v is one.
    return y < _PRIME and (not sign if u == 0 else pow(u * v, (_PRIME - 1) // 2, _PRIME) == 1)


def is_public_key(octets: bytes) -> bool:
    """Return whether 32 octets stand for a multiple of the base point."""
    point = _decoded(octets)
    if point is None:
        return False
    x, y, z, _t = _times(_ORDER, point)
    return x == 0 and y == z


def _decoded(octets: bytes) -> t.Optional[_Point]:
    """Return the point, as section 5.1.3 says."""
    sign, y = _read(octets)
    if y >= _PRIME:
        return None
    u, v = _square(y)
    x = u * pow(v, 3, _PRIME) * pow(u * pow(v, 7, _PRIME), (_PRIME - 5) // 8, _PRIME) % _PRIME
    if (v * x * x + u) % _PRIME == 0:
        x = x * _ROOT_OF_MINUS_ONE % _PRIME
    if (v * x * x - u) % _PRIME or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _PRIME - x
    return x, y, 1, x * y % _PRIME


def _read(octets: bytes) -> tuple[int, int]:
    """Return the sign of x, and y."""
    number = int.from_bytes(octets, "little")
    return number >> 255, number & ((1 << 255) - 1)


def _square(y: int) -> tuple[int, int]:
    """Return numerator and denominator of the square of x."""
    return (y * y - 1) % _PRIME, (_D * y * y + 1) % _PRIME


def _times(factor: int, point: _Point) -> _Point:
    found = _NEUTRAL
    for bit in bin(factor)[2:]:
        found = _sum(found, found)
        if bit == "1":
            found = _sum(found, point)
    return found


def _sum(left: _Point, right: _Point) -> _Point:
    a = (left[1] - left[0]) * (right[1] - right[0]) % _PRIME
    b = (left[1] + left[0]) * (right[1] + right[0]) % _PRIME
    c = 2 * left[3] * right[3] * _D % _PRIME
    d = 2 * left[2] * right[2] % _PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _PRIME, g * h % _PRIME, f * g % _PRIME, e * h % _PRIME


__all__ = ("is_point", "is_public_key")
