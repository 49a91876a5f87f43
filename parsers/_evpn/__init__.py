"""The parts of a printed EVPN path; `parsers.evpn` joins them."""
