"""What runs on the hosts: what FRR and the kernel say beside, or against, the files."""
