"""ZIP archives: files and folders of the home go out as one, and one that came in becomes a folder."""
