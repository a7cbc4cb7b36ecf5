"""The kiosk: the page that a clinic works with. Only this package imports gradio and fastapi."""
