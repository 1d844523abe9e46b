"""The health page: one self-contained HTML file made from the published health file.

`document` reads, `words` says it plainly, `page` renders, `server` shows it on this machine while cycles run.
"""
