"""Reads the files of a run folder (never a model) and shows them: one self-contained page, one moving picture."""

from marey.report.page import write_report
from marey.report.picture import moving_picture
from marey.report.table import markdown

__all__ = ["markdown", "moving_picture", "write_report"]
