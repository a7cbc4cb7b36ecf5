"""Getting the kit onto a device: the install stick, the installer, the service, the kiosk browser."""
