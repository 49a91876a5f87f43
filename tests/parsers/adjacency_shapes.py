"""The neighbours of a routed underlay, as each protocol and release prints them."""

from __future__ import annotations

from overlay.host_records import Adjacency

ADJACENCIES = {
    ("ospf_neighbors", "none"): ({"neighbors": {}}, ()),
    ("ospf_neighbors", "no instance"): ({}, ()),
    ("ospf_neighbors", "FRR 8.4, which says each thing twice"): (
        {
            "neighbors": {
                "10.255.1.101": [
                    {
                        "priority": 1,
                        "state": "Full/-",
                        "nbrPriority": 1,
                        "nbrState": "Full/-",
                        "converged": "Full",
                        "role": "DROther",
                        "deadTimeMsecs": 6676,
                        "address": "10.255.1.101",
                        "ifaceAddress": "10.255.1.101",
                        "ifaceName": "eno1.11:10.255.1.1",
                    }
                ]
            }
        },
        (Adjacency("eno1.11", "10.255.1.101", "Full", "10.255.1.101"),),
    ),
    ("ospf_neighbors", "FRR 10.7, one link of two on its way"): (
        {
            "neighbors": {
                "10.255.1.101": [
                    {
                        "nbrState": "ExStart/-",
                        "ifaceAddress": "192.0.2.0",
                        "ifaceName": "eno2:192.0.2.1",
                    },
                    {"nbrState": "Full/-", "ifaceName": "eno3:192.0.2.3"},
                ]
            }
        },
        (
            Adjacency("eno2", "10.255.1.101", "ExStart", "192.0.2.0"),
            Adjacency("eno3", "10.255.1.101", "Full"),
        ),
    ),
    ("isis_neighbors", "no instance"): ({"areas": []}, ()),
    ("isis_neighbors", "FRR 8.4 to 10.7, with the loopback"): (
        {
            "areas": [
                {
                    "area": "EVPN-FLEET",
                    "circuits": [
                        {
                            "circuit": 0,
                            "adj": "spine1",
                            "interface": "eno1.11",
                            "level": 2,
                            "state": "Up",
                            "expires-in": "8s",
                            "snpa": "2020.2020.2020",
                        },
                        {"circuit": 0},
                    ],
                }
            ]
        },
        (Adjacency("eno1.11", "spine1", "Up"),),
    ),
    ("openfabric_neighbors", "on its way"): (
        {
            "areas": [
                {
                    "area": "EVPN-FLEET",
                    "circuits": [
                        {"circuit": 0},
                        {
                            "circuit": 0,
                            "adj": "0100.0000.0002",
                            "interface": "eno1.11",
                            "level": 2,
                            "state": "Initializing",
                        },
                    ],
                }
            ]
        },
        (Adjacency("eno1.11", "0100.0000.0002", "Initializing"),),
    ),
}
