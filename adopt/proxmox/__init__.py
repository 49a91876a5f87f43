"""A Proxmox cluster's SDN, as `/etc/pve` holds it."""
