"""The kiosk: the web page that a clinic works with. Only this package imports gradio and fastapi."""
