"""Rows of the error table: tickets, links that the server made. The codes that begin with 9000 are ours."""

from __future__ import annotations

from .fault import Fault

TICKET_UNKNOWN = Fault("NoSuchLink", 404, "There is no such link here. Was it copied whole?", "9000-00000020")
TICKET_ENDED = Fault("LinkEnded", 410, "This link has ended. Ask for a new one.", "9000-00000021")
TICKET_CANCELLED = Fault("LinkCancelled", 410, "This link has been cancelled. Ask for a new one.", "9000-00000022")
TICKET_USED_UP = Fault("LinkUsedUp", 410, "This link has been used up. Ask for a new one.", "9000-00000023")
TICKET_WITHOUT_MAKER = Fault(
    "AccessDenied", 403, "Whoever made this link may not share it any more. Ask for a new one.", "9000-00000024"
)
TICKET_PASSWORD_NEEDED = Fault("PasswordNeeded", 401, "This link needs a password.", "9000-00000025")
TICKET_PASSWORD_WRONG = Fault("PasswordWrong", 401, "The password is wrong.", "9000-00000026")
TICKET_TRIED_TOO_OFTEN = Fault(
    "TooManyRequests", 429, "Too many passwords were tried. Try again in a quarter of an hour.", "9000-00000027"
)
TICKET_BUSY = Fault("TooManyRequests", 429, "Too many passwords are being looked at. Try again.", "9000-00000028")
TICKET_GUESSED = Fault(
    "TooManyRequests", 429, "Too many links that don't exist were asked for. Try again in a minute.", "9000-00000029"
)
TICKET_FILE_UNKNOWN = Fault("NoSuchKey", 404, "There is no such file behind this link.", "9000-00000030")
