"""Rows of the error table: pictures."""

from __future__ import annotations

from .fault import Fault

NOT_A_PICTURE = Fault("BadRequest", 400, "This image format is not supported.", "0040-00000005")
NOT_BASE64 = Fault("BadRequest", 400, "Input is not base64 decoding.", "0040-00000257")
CUT_OUT_OF_IMAGE = Fault("BadRequest", 400, "Advance cut's position is out of image.")
ROTATION_OUT_OF_RANGE = Fault("BadRequest", 400, "Picture exceed the maximum allowable rotation range")
WEBP_TOO_LARGE = Fault(
    "BadRequest", 400, "Maximum width and height allowed is 16383 pixels for converting webp", "0040-00000011"
)
AVIF_TOO_LARGE = Fault(
    "BadRequest", 400, "Maximum size allowed is 4096 x 2304 pixels for converting avif", "0040-00000014"
)
BAD_WEBP = Fault("BadWebPImage", 400, "The webp image file may be damaged.")
PICTURE_TOO_LARGE = Fault("ImageTooLarge", 400, "Maximal size of image supported is 20971520 bytes.", "0040-00000001")
RESULT_TOO_LARGE = Fault(
    "ImageTooLarge",
    400,
    "The resized picture would be larger than 16384 pixels a side or 16777216 in all.",
    "0040-00000007",
)
PICTURE_TOO_MANY_PIXELS = Fault(
    "MemLimitExceeded", 400, "The picture has more pixels than can be processed.", "0040-00000012"
)
RENDER_TOO_COSTLY = Fault(
    "MemLimitExceeded", 400, "Processing this picture takes more memory or time than one picture may take."
)
WATERMARK_ERROR = Fault("WatermarkError", 400, "The watermark picture does not exist or cannot be read.")
WATERMARK_FORMAT = Fault("WatermarkError", 400, "The watermark picture's format is not supported.", "0040-00000027")
TOO_MANY_WATERMARKS = Fault(
    "WatermarkError", 400, "At most 3 different watermark pictures can be used in one request.", "0040-00000026"
)
NO_SUCH_STYLE = Fault("NoSuchStyle", 404, "The style you get is not found.")
BAD_STYLE = Fault("BadRequest", 400, "Style content is invalid.", "0017-00000253")
TOO_MANY_STYLES = Fault("BadRequest", 400, "A bucket can have at most 50 styles.")
RENDERERS_BUSY = Fault(
    "ServiceUnavailable", 503, "More pictures are waiting to be processed than the server takes on. Try again later."
)
