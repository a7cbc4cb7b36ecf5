"""Reading DICOM: the file's parts, what its header means to the kit, its stored values, and their gray levels."""
