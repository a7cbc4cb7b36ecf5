"""One module per command, as in `edge_app.commands`."""
