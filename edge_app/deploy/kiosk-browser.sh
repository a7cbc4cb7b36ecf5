#!/bin/sh
# Opens the kiosk in full screen as soon as it is ready, and again whenever it is closed.
address=http://127.0.0.1:7860/

for browser in chromium chromium-browser; do
    command -v "$browser" >/dev/null && break
done
while true; do
    # It answers 200 only after the model passed its golden films; a Pi needs several seconds after power-on.
    until python3 -c "import urllib.request as u; u.urlopen('${address}health', timeout=5)" 2>/dev/null; do
        sleep 1
    done
    # No profile is kept, so no patient data stays in the browser after it closes.
    profile=$(mktemp -d /dev/shm/kiosk-browser.XXXXXX)
    "$browser" --kiosk --incognito --user-data-dir="$profile" --no-first-run --noerrdialogs --disable-infobars \
        --disable-session-crashed-bubble --disable-features=Translate --disable-background-networking \
        --disable-component-update --password-store=basic "$address"
    rm -rf "$profile"
    sleep 1
done
