"""The embedded lab: complete Debian nodes on this computer, without a hypervisor.

Each node of ``lab.yaml`` is a User Mode Linux process with its own kernel, systemd, sshd,
ifupdown2 and FRR.  This room imports nothing of the rest of the project: to the rest, a lab
node is a host like any other, reached over SSH.
"""
