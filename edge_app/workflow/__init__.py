"""A film's way through a clinic: the reading service, watched folders, DICOM in and out. No web."""
