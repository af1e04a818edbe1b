"""The files of a report: HTML, mail, CSV, workbook, JSON and PNG."""
