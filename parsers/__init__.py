"""What a node printed → observed records. Pure: text in, records or a ParseError out.

Nothing is lost in silence: every line is part of a record, known, or named by the error.
"""

from overlay.records import RawOutput
from parsers._text import UnaccountedError
from parsers.dump import records_as_json
from parsers.evpn import parse_evpn
from parsers.fdb import parse_fdb
from parsers.host import EVPN, FDB, JSON_SLUGS, LINKS, NEEDED_SLUGS, parse, parse_host, parse_json
from parsers.links import parse_links

__all__ = [
    "EVPN",
    "FDB",
    "JSON_SLUGS",
    "LINKS",
    "NEEDED_SLUGS",
    "RawOutput",
    "UnaccountedError",
    "parse",
    "parse_evpn",
    "parse_fdb",
    "parse_host",
    "parse_json",
    "parse_links",
    "records_as_json",
]
