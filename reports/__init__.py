"""Findings to JSON, HTML, Markdown, JUnit, CSV and terminal text; knows no network and no SSH."""
