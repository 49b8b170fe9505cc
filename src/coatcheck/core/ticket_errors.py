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

# --- upload boxes ---
BOX_FILES_FULL = Fault("UploadBoxFull", 403, "This upload box takes no more files.", "9000-00000050")
BOX_BYTES_FULL = Fault("UploadBoxFull", 403, "This upload box has no room for this file.", "9000-00000051")
BOX_FILE_TOO_LARGE = Fault("FileTooLarge", 413, "This file is larger than this upload box takes.", "9000-00000052")
BOX_TYPE_REFUSED = Fault("FileTypeNotAllowed", 415, "This upload box doesn't take files of this type.", "9000-00000053")
BOX_NAME_REFUSED = Fault("FileNameNotAllowed", 403, "This upload box doesn't take files of this name.", "9000-00000054")
BOX_UPLOAD_UNKNOWN = Fault(
    "NoSuchUpload", 404, "There is no such upload any more. Send the file again.", "9000-00000055"
)
BOX_PIECE_MISPLACED = Fault(
    "PieceMisplaced",
    409,
    "The next piece begins where the last one ended, and has the size that was said.",
    "9000-00000056",
)
BOX_BUSY = Fault(
    "TooManyUploads", 429, "Too many files are on their way into this upload box. Try again later.", "9000-00000057"
)
ARRIVAL_UNKNOWN = Fault("NoSuchArrival", 404, "There is no such file waiting.", "9000-00000058")
NOT_A_BOX = Fault("NotAnUploadBox", 400, "This link is no upload box.", "9000-00000059")
