"""What a node printed → observed records. Pure: text in, records or a ParseError out.

Nothing is lost in silence: every line is part of a record, known, or named by the error.
"""

from overlay.records import RawOutput
from parsers._text import UnaccountedError
from parsers.configuration import parse_frr_config
from parsers.dump import records_as_json
from parsers.evpn import parse_evpn
from parsers.fdb import parse_fdb
from parsers.host import NEEDED_SLUGS, parse, parse_host
from parsers.links import parse_links
from parsers.readers import READERS

__all__ = [
    "NEEDED_SLUGS",
    "READERS",
    "RawOutput",
    "UnaccountedError",
    "parse",
    "parse_evpn",
    "parse_fdb",
    "parse_frr_config",
    "parse_host",
    "parse_links",
    "records_as_json",
]
