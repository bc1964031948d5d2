"""What the plugin and the engine say to each other: framing, messages, codes, version.

Standard library only, Python 3.9 and newer, relative imports only: the plugin carries a byte-for-byte
copy of this package as ``rs_copilot_plugin._protocol`` (checked by ``make check``).

A conversation::

    engine -> plugin   hello{protocol, engine, methods, devices}
    plugin -> engine   request{id, method, params}
    engine -> plugin   progress{id, done, total, message, partial?}     any number of times
    plugin -> engine   cancel{id}                                       at any time
    engine -> plugin   result{id, result} or error{id, code, message, hint, details?}   exactly once

Closing the engine's input ends the engine. Methods are names, never code.
"""

from .codes import ALL_CODES, Code
from .framing import FrameDecoder, ProtocolError, RawFrame, encode_frame
from .messages import (
    Cancel,
    Error,
    Hello,
    Message,
    MessageDecoder,
    Progress,
    Request,
    Result,
    encode,
    parse,
)
from .version import PROTOCOL_VERSION, incompatibility

__all__ = [
    "ALL_CODES",
    "PROTOCOL_VERSION",
    "Cancel",
    "Code",
    "Error",
    "FrameDecoder",
    "Hello",
    "Message",
    "MessageDecoder",
    "Progress",
    "ProtocolError",
    "RawFrame",
    "Request",
    "Result",
    "encode",
    "encode_frame",
    "incompatibility",
    "parse",
]
