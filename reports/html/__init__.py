"""report.html: one self-contained page, its data, its drawings and its assets."""
